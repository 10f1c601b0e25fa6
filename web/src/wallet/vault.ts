/** The browser's own key: kept encrypted in this browser's storage, in clear only in the memory of the page. */
import { generatePrivateKey, privateKeyToAddress } from "viem/accounts";
import { type Hex, isSame } from "../chain/quantity";
import { type KeystoreFile, parseKeystore } from "./keystore";
import type { VaultAnswer, VaultTask } from "./vault-worker";

const STORED_AS = "cloud-ledger.key";

/** The key file that this browser keeps, if there is one. */
export function storedKey(): KeystoreFile | undefined {
  const text = localStorage.getItem(STORED_AS);
  return text === null ? undefined : parseKeystore(text);
}

/** Makes a key and keeps it. */
export async function createKey(passphrase: string): Promise<{ file: KeystoreFile; privateKey: Hex }> {
  const privateKey = generatePrivateKey();
  const file = await keep(privateKey, passphrase);
  return { file, privateKey };
}

/** Takes over a key from its file. It stays as it is encrypted. */
export async function importKey(text: string, passphrase: string): Promise<{ file: KeystoreFile; privateKey: Hex }> {
  const read = parseKeystore(text);
  const privateKey = await openKey(read, passphrase);
  const file = { ...read, address: privateKeyToAddress(privateKey).slice(2).toLowerCase() };
  localStorage.setItem(STORED_AS, JSON.stringify(file));
  return { file, privateKey };
}

/** The key in a file. Rejects if the passphrase is another, or the file names another address. */
export async function openKey(file: KeystoreFile, passphrase: string): Promise<Hex> {
  const answer = await work({ kind: "unlock", file, passphrase });
  if (!("privateKey" in answer)) throw new Error("the key was not opened");
  const named = file.address?.replace(/^0x/, "");
  if (named && !isSame(`0x${named}`, privateKeyToAddress(answer.privateKey))) {
    throw new Error(`the file says that it holds the key of 0x${named}, but holds another`);
  }
  return answer.privateKey;
}

/** Removes the key from this browser. What was exported stays. */
export function forgetKey(): void {
  localStorage.removeItem(STORED_AS);
}

async function keep(privateKey: Hex, passphrase: string): Promise<KeystoreFile> {
  const address = privateKeyToAddress(privateKey);
  const answer = await work({ kind: "lock", privateKey, address, passphrase });
  if (!("file" in answer)) throw new Error("the key was not encrypted");
  localStorage.setItem(STORED_AS, JSON.stringify(answer.file));
  return answer.file;
}

function work(task: VaultTask): Promise<VaultAnswer> {
  const worker = new Worker(new URL("./vault-worker.ts", import.meta.url), { type: "module" });
  return new Promise<VaultAnswer>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<VaultAnswer>) => {
      if ("error" in data) reject(new Error(data.error));
      else resolve(data);
    };
    worker.onerror = () => reject(new Error("the part of the page that opens keys could not be loaded"));
    worker.postMessage(task);
  }).finally(() => worker.terminate());
}
