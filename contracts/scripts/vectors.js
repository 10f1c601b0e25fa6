#!/usr/bin/env node
// Which signatures do the evidence tests hold against each other? Writes test/base/Ed25519Vectors.sol: statements of the
// consensus, signed with real ed25519 keys whose seeds are public. Run by hand when the statement's layout changes.
"use strict";
const crypto = require("crypto");
const fs = require("fs");
const path = require("path");

const GENESIS = Buffer.alloc(32, 0x47);
const OTHER_GENESIS = Buffer.alloc(32, 0x48);
const [X, Y] = [Buffer.alloc(32, 0xaa), Buffer.alloc(32, 0xbb)];
const [SEAL, PREVOTE, PRECOMMIT] = [0, 1, 2];

const keys = [1, 2].map((k) => {
  const seed = crypto.createHash("sha256").update(`cloud-ledger contract test validator ${k}`).digest();
  const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const secret = crypto.createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  const shared = crypto.createPublicKey(secret).export({ format: "der", type: "spki" }).subarray(-32);
  return { secret, shared };
});

const u64 = (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

function statement({ genesis = GENESIS, setId = 0, height = 5, slot, kind, hash, validSlot }) {
  const tail = validSlot === undefined ? Buffer.from([0]) : Buffer.concat([Buffer.from([1]), u64(validSlot)]);
  const head = Buffer.from("cloud-ledger/v1\0");
  return Buffer.concat([head, genesis, u64(setId), u64(height), u64(slot), Buffer.from([kind]), hash, tail]);
}

const signed = (message, key = keys[0]) => Buffer.concat([message, crypto.sign(null, message, key.secret)]);

const vectors = {
  SEAL_X: signed(statement({ slot: 10, kind: SEAL, hash: X })),
  SEAL_Y: signed(statement({ slot: 10, kind: SEAL, hash: Y })),
  SEAL_Y_LATER: signed(statement({ slot: 11, kind: SEAL, hash: Y })),
  RESEAL_X: signed(statement({ slot: 10, kind: SEAL, hash: X, validSlot: 9 })),
  PREVOTE_X: signed(statement({ slot: 10, kind: PREVOTE, hash: X })),
  PREVOTE_Y: signed(statement({ slot: 10, kind: PREVOTE, hash: Y })),
  PREVOTE_X_VALID_3: signed(statement({ slot: 10, kind: PREVOTE, hash: X, validSlot: 3 })),
  PREVOTE_X_VALID_4: signed(statement({ slot: 10, kind: PREVOTE, hash: X, validSlot: 4 })),
  PREVOTE_X_SET_1: signed(statement({ slot: 10, kind: PREVOTE, hash: X, setId: 1 })),
  PRECOMMIT_X: signed(statement({ slot: 12, kind: PRECOMMIT, hash: X })),
  PRECOMMIT_X_HEIGHT_6: signed(statement({ slot: 12, kind: PRECOMMIT, hash: X, height: 6 })),
  LATER_Y: signed(statement({ slot: 15, kind: PREVOTE, hash: Y })),
  LATER_Y_VALID_11: signed(statement({ slot: 15, kind: PREVOTE, hash: Y, validSlot: 11 })),
  LATER_Y_VALID_12: signed(statement({ slot: 15, kind: PREVOTE, hash: Y, validSlot: 12 })),
  LATER_X: signed(statement({ slot: 15, kind: PREVOTE, hash: X })),
  LATER_Y_HEIGHT_6: signed(statement({ slot: 15, kind: PREVOTE, hash: Y, height: 6 })),
  LATER_Y_SET_1: signed(statement({ slot: 15, kind: PREVOTE, hash: Y, setId: 1 })),
  EARLIER_Y: signed(statement({ slot: 9, kind: PREVOTE, hash: Y })),
  OTHER_CHAIN: signed(statement({ slot: 10, kind: SEAL, hash: Y, genesis: OTHER_GENESIS })),
  // Signed by the second key: no signature of the first.
  FOREIGN: signed(statement({ slot: 10, kind: SEAL, hash: Y }), keys[1]),
};

const line = (name, bytes) => `    bytes internal constant ${name} =\n        hex"${bytes.toString("hex")}";\n`;
const source = `// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// Written by scripts/vectors.js: statements followed by real ed25519 signatures. All but FOREIGN are KEY's.
library Ed25519Vectors {
    bytes32 internal constant GENESIS = hex"${GENESIS.toString("hex")}";
    bytes32 internal constant OTHER_GENESIS = hex"${OTHER_GENESIS.toString("hex")}";
    bytes32 internal constant KEY = hex"${keys[0].shared.toString("hex")}";
    bytes32 internal constant KEY_2 = hex"${keys[1].shared.toString("hex")}";
${Object.entries(vectors).map(([name, bytes]) => line(name, bytes)).join("")}
    /// Every statement that KEY signed.
    function ofKey() internal pure returns (bytes[] memory all) {
        all = new bytes[](${Object.keys(vectors).length - 1});
${Object.keys(vectors).filter((name) => name !== "FOREIGN").map((name, i) => `        all[${i}] = ${name};`).join("\n")}
    }
}
`;
fs.writeFileSync(path.join(__dirname, "..", "test", "base", "Ed25519Vectors.sol"), source);
