#!/usr/bin/env node
// Stands in for the native `solc` that forge and slither expect, with npm's solc (WebAssembly), so that no
// compiler is downloaded. Answers --version and --standard-json; sources it is not given inline are looked up
// under --base-path and --include-path.
"use strict";
const fs = require("fs");
const path = require("path");
const solc = require("solc");

const args = process.argv.slice(2);
if (args.includes("--version")) {
  const version = solc.version().replace(".Emscripten.clang", ".Linux.g++");
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${version}\n`);
  process.exit(0);
}
if (!args.includes("--standard-json")) {
  process.stderr.write(`scripts/solc.js answers --version and --standard-json only, got: ${args.join(" ")}\n`);
  process.exit(2);
}
const roots = args.flatMap((arg, i) => (["--base-path", "--include-path"].includes(arg) ? [args[i + 1]] : []));
const read = (name) => {
  for (const root of ["", ...roots]) {
    const file = path.join(root, name);
    if (fs.existsSync(file)) return { contents: fs.readFileSync(file, "utf8") };
  }
  return { error: `${name} is not in: ${roots.join(", ")}` };
};
process.stdout.write(solc.compile(fs.readFileSync(0, "utf8"), { import: read }));
