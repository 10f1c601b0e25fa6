#!/usr/bin/env node
// Which bytes go to genesis? Writes artifacts/<contract>.json from forge's output; with --check, compares instead and
// fails on the first difference. Each artifact holds the ABI (sorted), the creation bytecode and the size of the code
// that it installs; no path, no time, no metadata, so that the same sources give the same file everywhere.
"use strict";
const fs = require("fs");
const path = require("path");

const CONTRACTS = ["Bootstrap", "Transact", "PassportToken"];
// EIP-170.
const CODE_BYTES_MAX = 24_576;
const top = path.join(__dirname, "..");

function artifact(name) {
  const built = JSON.parse(fs.readFileSync(path.join(top, "out", `${name}.sol`, `${name}.json`), "utf8"));
  const key = (item) => [item.type, item.name ?? "", item.inputs?.map((i) => i.type).join() ?? ""].join(" ");
  const abi = built.abi.sort((a, b) => (key(a) < key(b) ? -1 : 1)).map((item) => `    ${JSON.stringify(item)}`);
  const deployedBytes = (built.deployedBytecode.object.length - 2) / 2;
  if (deployedBytes > CODE_BYTES_MAX) {
    throw new Error(`${name} has ${deployedBytes} bytes of code; EIP-170 allows ${CODE_BYTES_MAX}`);
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
for (const name of CONTRACTS) {
  const file = path.join(top, "artifacts", `${name}.json`);
  const now = artifact(name);
  if (!check) {
    fs.writeFileSync(file, now);
  } else if (!fs.existsSync(file) || fs.readFileSync(file, "utf8") !== now) {
    console.error(`artifacts/${name}.json differs from what the sources build: run "npm run artifacts" and commit it`);
    process.exit(1);
  }
}
console.log(check ? "artifacts match the sources" : `wrote ${CONTRACTS.length} artifacts`);
