import { Keystore } from "ox";
import { privateKeyToAddress } from "viem/accounts";
import { describe, expect, it } from "vitest";
import { lock, parseKeystore, unlock } from "../src/wallet/keystore";

const key = `0x${"7a".repeat(32)}` as const;
const address = privateKeyToAddress(key);

describe("a key file", () => {
  it("opens with its passphrase and no other", { timeout: 30_000 }, () => {
    const file = parseKeystore(JSON.stringify(lock(key, address, "correct horse")));
    expect(file).toMatchObject({ version: 3, address: address.slice(2).toLowerCase() });
    expect(JSON.stringify(file)).not.toContain("7a7a7a");
    expect(unlock(file, "correct horse")).toBe(key);
    expect(() => unlock(file, "correct house")).toThrow(/passphrase/);
  });

  it("of another wallet opens too", () => {
    // PBKDF2, with few rounds, so that the test is short.
    const [derived, options] = Keystore.pbkdf2({ password: "p", iterations: 10 });
    const text = JSON.stringify(Keystore.encrypt(key, derived, { ...options, id: "x" }));
    expect(unlock(parseKeystore(text), "p")).toBe(key);
  });

  it("is refused where it is none or would take too much", () => {
    const good = JSON.stringify(Keystore.encrypt(key, `0x${"00".repeat(32)}`, sample()));
    expect(parseKeystore(good).version).toBe(3);
    for (const [from, to, words] of [
      ["{", "", /JSON/],
      ['"version":3', '"version":1', /version 3/],
      ["aes-128-ctr", "aes-128-cbc", /aes-128-ctr/],
      ['"n":32768', '"n":1048576', /more than is reasonable/],
      ['"n":32768', '"n":32767', /is no scrypt/],
      ['"r":8', '"r":0', /is no scrypt/],
      ['"n":32768,"p":3,"r":8', '"n":65536,"p":3,"r":1', /is no scrypt/],
      ['"p":3', '"p":17', /more than is reasonable/],
      ['"dklen":32', '"dklen":16', /32 bytes/],
      ['"kdf":"scrypt"', '"kdf":"argon2id"', /neither/],
      ['"mac":"', '"mac":"zz', /hexadecimal/],
    ] as const) {
      expect(good).toContain(from);
      expect(() => parseKeystore(good.replace(from, to)), to).toThrow(words);
    }
    expect(() => parseKeystore(" ".repeat(20_000))).toThrow(/at most/);
  });
});

function sample() {
  const kdfparams = { dklen: 32, n: 32_768, p: 3, r: 8, salt: "00" };
  return { kdf: "scrypt" as const, kdfparams, iv: new Uint8Array(16), id: "x" };
}
