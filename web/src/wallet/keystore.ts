/**
 * A key in a Web3 keystore (version 3), the file that `passport wallet import`, geth and other wallets take. The cryptography is
 * ox's; the bounds are those of `keys/src/cost.rs`, so that a file made to exhaust this machine is refused.
 */
import { Keystore } from "ox";
import type { Hex } from "../chain/quantity";

/** scrypt with a table of 32 MiB, three times over, as OWASP has it: a second on a laptop, and a phone has the memory. */
const SCRYPT = { n: 1 << 15, r: 8, p: 3 } as const;
const MEMORY_BYTES_MAX = 256 << 20;
const BLOCKS_BYTES_MAX = 1 << 20;
const PARALLELIZATION_MAX = 16;
const PBKDF2_ROUNDS_MAX = 10_000_000;
const FILE_CHARS_MAX = 16 * 1024;

/** Fewest characters of a passphrase. */
export const PASSPHRASE_CHARS_MIN = 8;

export type KeystoreFile = Keystore.Keystore & { readonly address?: string };

/** The key, encrypted. Takes about a second. */
export function lock(privateKey: Hex, address: Hex, passphrase: string): KeystoreFile {
  const [key, options] = Keystore.scrypt({ password: passphrase, ...SCRYPT });
  const kept = Keystore.encrypt(privateKey, key, { ...options, id: randomId() });
  return { address: address.slice(2).toLowerCase(), ...kept };
}

/** The key in a keystore. Throws if the passphrase is another. Takes about a second. */
export function unlock(file: KeystoreFile, passphrase: string): Hex {
  const key = Keystore.toKey(file, { password: passphrase });
  try {
    return Keystore.decrypt(file, key);
  } catch {
    throw new Error("the passphrase does not open this key");
  }
}

/** Reads a keystore file. Throws with words if it is none, or costs more to open than is reasonable. */
export function parseKeystore(text: string): KeystoreFile {
  if (text.length > FILE_CHARS_MAX) throw new TypeError(`a keystore has at most ${FILE_CHARS_MAX} characters`);
  let read: Partial<KeystoreFile>;
  try {
    read = JSON.parse(text) as Partial<KeystoreFile>;
  } catch {
    throw new TypeError("a keystore is a JSON file; this is none");
  }
  const crypto = read.crypto;
  if (read.version !== 3 || crypto?.cipher !== "aes-128-ctr") {
    throw new TypeError("a Web3 keystore of version 3 with aes-128-ctr was expected");
  }
  const isHex = [crypto.ciphertext, crypto.mac, crypto.cipherparams?.iv].every((field) =>
    /^[0-9a-f]+$/i.test(field ?? ""),
  );
  if (!isHex) throw new TypeError("the keystore's ciphertext, mac or iv is not hexadecimal");
  checkCost(crypto);
  return read as KeystoreFile;
}

/** The parameters of either way to derive a key, as a file may hold them. */
interface Cost {
  readonly dklen?: number;
  readonly c?: number;
  readonly n?: number;
  readonly r?: number;
  readonly p?: number;
}

function checkCost({ kdf, kdfparams }: Keystore.Keystore["crypto"]): void {
  const { dklen, c = 0, n = 0, r = 0, p = 0 }: Cost = kdfparams;
  if (dklen !== 32) throw new TypeError("the keystore's key has not 32 bytes");
  if (kdf === "pbkdf2") {
    if (!(c > 0 && c <= PBKDF2_ROUNDS_MAX)) throw costError(`${c} rounds of PBKDF2`);
  } else if (kdf === "scrypt") {
    // RFC 7914; beyond 2^(16 r) libraries come to different keys.
    const isPower = Number.isSafeInteger(n) && n > 1 && Number.isInteger(Math.log2(n)) && n < 2 ** (16 * r);
    const cost = `scrypt with N=${n} r=${r} p=${p}`;
    if (!isPower || !(r > 0 && p > 0)) throw new TypeError(`${cost} is no scrypt that a keystore can have`);
    const isBounded = 128 * n * r <= MEMORY_BYTES_MAX && 128 * r * p <= BLOCKS_BYTES_MAX && p <= PARALLELIZATION_MAX;
    if (!isBounded) throw costError(cost);
  } else {
    throw new TypeError("the keystore's key is derived by neither scrypt nor pbkdf2");
  }
}

function costError(cost: string): TypeError {
  return new TypeError(`opening this keystore would take ${cost}, which is more than is reasonable`);
}

/** A UUID; `crypto.randomUUID` is missing where a page comes over plain HTTP from another machine. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
