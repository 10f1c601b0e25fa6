#!/usr/bin/env node
// Which bytes go to genesis, and which to the mainchain? Writes artifacts/<contract>.json from forge's output; with
// --check, compares instead and fails on the first difference. Each artifact holds the ABI (sorted), the creation
// bytecode and the size of the code that it installs; no path, no time, no metadata, so that the same sources give the
// same file everywhere. Fails on an opcode that the contract's chain does not have.
"use strict";
const fs = require("fs");
const path = require("path");

const SIDECHAIN = { contracts: ["Bootstrap", "Transact", "PassportToken"], out: "out", absent: [] };
// Ethereum Classic has Shanghai's opcodes; these came after (Cancun's and Osaka's).
const MAINCHAIN = {
  contracts: ["Checkpoint", "CodeVerifier"],
  out: "out/mainchain",
  absent: [[0x1e, "CLZ"], [0x49, "BLOBHASH"], [0x4a, "BLOBBASEFEE"], [0x5c, "TLOAD"], [0x5d, "TSTORE"], [0x5e, "MCOPY"]],
};
// EIP-170.
const CODE_BYTES_MAX = 24_576;
const [PUSH1, PUSH32] = [0x60, 0x7f];
const top = path.join(__dirname, "..");

// Opcodes of a code, without the data of its PUSHes.
function* opcodes(hex) {
  const code = Buffer.from(hex.slice(2), "hex");
  for (let at = 0; at < code.length; ++at) {
    yield code[at];
    if (code[at] >= PUSH1 && code[at] <= PUSH32) at += code[at] - PUSH1 + 1;
  }
}

function artifact(name, { out, absent }) {
  const built = JSON.parse(fs.readFileSync(path.join(top, out, `${name}.sol`, `${name}.json`), "utf8"));
  const key = (item) => [item.type, item.name ?? "", item.inputs?.map((i) => i.type).join() ?? ""].join(" ");
  const abi = built.abi.sort((a, b) => (key(a) < key(b) ? -1 : 1)).map((item) => `    ${JSON.stringify(item)}`);
  const deployedBytes = (built.deployedBytecode.object.length - 2) / 2;
  if (deployedBytes > CODE_BYTES_MAX) {
    throw new Error(`${name} has ${deployedBytes} bytes of code; EIP-170 allows ${CODE_BYTES_MAX}`);
  }
  for (const code of [built.bytecode.object, built.deployedBytecode.object]) {
    const used = new Set(opcodes(code));
    for (const [opcode, word] of absent) {
      if (used.has(opcode)) throw new Error(`${name} uses ${word} (0x${opcode.toString(16)}), which its chain lacks`);
    }
  }
  const fields = [
    `  "contractName": ${JSON.stringify(name)}`,
    `  "abi": [\n${abi.join(",\n")}\n  ]`,
    `  "bytecode": ${JSON.stringify(built.bytecode.object)}`,
    `  "deployedBytes": ${deployedBytes}`,
  ];
  return `{\n${fields.join(",\n")}\n}\n`;
}

const check = process.argv.includes("--check");
for (const chain of [SIDECHAIN, MAINCHAIN]) {
  for (const name of chain.contracts) {
    const file = path.join(top, "artifacts", `${name}.json`);
    const now = artifact(name, chain);
    if (!check) {
      fs.writeFileSync(file, now);
    } else if (!fs.existsSync(file) || fs.readFileSync(file, "utf8") !== now) {
      console.error(`artifacts/${name}.json differs from what the sources build: run "npm run artifacts" and commit it`);
      process.exit(1);
    }
  }
}
const count = SIDECHAIN.contracts.length + MAINCHAIN.contracts.length;
console.log(check ? "artifacts match the sources" : `wrote ${count} artifacts`);
