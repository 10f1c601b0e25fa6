// Checks what a node says against a block hash, trusting nothing but the hash: the header's own fields, then the account in the
// state trie, then the slot in the account's storage trie.
import assert from "node:assert/strict";
import { concat, decodeRlp, encodeRlp, getBytes, hexlify, keccak256, toBeHex, zeroPadValue } from "ethers";

const HEADER_FIELDS = [
  "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "#difficulty", "#number",
  "#gasLimit", "#gasUsed", "#timestamp", "extraData", "mixHash", "nonce", "#baseFeePerGas", "withdrawalsRoot", "#blobGasUsed",
  "#excessBlobGas", "parentBeaconBlockRoot", "requestsHash",
];

/** An integer as RLP wants it: no leading zero, nothing for zero. */
function quantity(value) {
  return BigInt(value) === 0n ? "0x" : toBeHex(BigInt(value));
}

/** The hash of a block as `eth_getBlockByNumber` gives it, computed from its fields as Ethereum does. */
export function headerHash(block) {
  const fields = HEADER_FIELDS.map((field) => {
    const value = block[field.replace("#", "")];
    assert.notEqual(value, undefined, `the block has no ${field}`);
    return field.startsWith("#") ? quantity(value) : value;
  });
  return keccak256(encodeRlp(fields));
}

/** The value at `key` of the trie with this root, or null where the proof shows that there is none. */
export function trieValue(root, key, proof) {
  const path = [...getBytes(keccak256(key))].flatMap((byte) => [byte >> 4, byte & 15]);
  let wanted = root;
  let at = 0;
  const nodes = new Map(proof.map((node) => [keccak256(node), node]));
  for (let depth = 0; depth < 64; depth++) {
    const encoded = Array.isArray(wanted) ? null : nodes.get(wanted);
    const node = Array.isArray(wanted) ? wanted : encoded && decodeRlp(encoded);
    assert.ok(node, `the proof lacks node ${hexlify(wanted)}`);
    if (node.length === 17) {
      if (at === path.length) return node[16];
      wanted = node[path[at++]];
    } else {
      const [partial, isLeaf] = decodePartial(node[0]);
      if (partial.some((nibble, index) => nibble !== path[at + index])) return null;
      at += partial.length;
      if (isLeaf) return at === path.length ? node[1] : null;
      wanted = node[1];
    }
    if (wanted === "0x") return null;
  }
  throw new Error("the proof does not end");
}

function decodePartial(encoded) {
  const nibbles = [...getBytes(encoded)].flatMap((byte) => [byte >> 4, byte & 15]);
  return [nibbles.slice(nibbles[0] & 1 ? 1 : 2), (nibbles[0] & 2) !== 0];
}

/**
 * The values of the slots of an `eth_getProof` answer, after checking account and slots against `stateRoot`.
 * @returns {Map<string, bigint>} slot (32 bytes) to value
 */
export function verifiedSlots(stateRoot, answer) {
  const account = trieValue(stateRoot, answer.address, answer.accountProof);
  assert.ok(account, "the proof shows no such account");
  const expected = encodeRlp([quantity(answer.nonce), quantity(answer.balance), answer.storageHash, answer.codeHash]);
  assert.equal(account, expected, "the account in the trie differs from the answer");
  const slots = new Map();
  for (const { key, value, proof } of answer.storageProof) {
    const slot = zeroPadValue(toBeHex(BigInt(key)), 32);
    const found = trieValue(answer.storageHash, slot, proof);
    const stored = found === null ? 0n : BigInt(decodeRlp(found));
    assert.equal(stored, BigInt(value), `slot ${slot} in the trie differs from the answer`);
    slots.set(slot, stored);
  }
  return slots;
}

/** The same proof with one byte of its last node changed; it must not verify. */
export function tampered(answer) {
  const copy = structuredClone(answer);
  const proof = copy.storageProof[0].proof;
  const last = getBytes(proof.at(-1));
  last[last.length - 1] ^= 1;
  proof[proof.length - 1] = concat([last]);
  return copy;
}
