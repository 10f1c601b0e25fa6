/** Deriving a key from a passphrase takes a second of a processor: done here, so that the page stays awake. */
import type { Hex } from "../chain/quantity";
import { type KeystoreFile, lock, unlock } from "./keystore";

export type VaultTask =
  | { readonly kind: "lock"; readonly privateKey: Hex; readonly address: Hex; readonly passphrase: string }
  | { readonly kind: "unlock"; readonly file: KeystoreFile; readonly passphrase: string };

export type VaultAnswer = { readonly file: KeystoreFile } | { readonly privateKey: Hex } | { readonly error: string };

function done(task: VaultTask): VaultAnswer {
  try {
    return task.kind === "lock"
      ? { file: lock(task.privateKey, task.address, task.passphrase) }
      : { privateKey: unlock(task.file, task.passphrase) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

self.onmessage = ({ data }: MessageEvent<VaultTask>) => self.postMessage(done(data));
