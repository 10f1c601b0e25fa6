// The story's client in Foundry's cast: every step is one command of the unmodified binary.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Interface } from "ethers";

export const name = "cast";

const run = promisify(execFile);
// The npm package carries the binary for x86-64 Linux; elsewhere an installed cast is used.
const packaged = fileURLToPath(new URL("../node_modules/@foundry-rs/cast-linux-amd64/bin/cast", import.meta.url));
const binary = existsSync(packaged) ? packaged : "cast";

// Left to itself, cast offers a tip of at least 1 wei, which an account without a balance cannot pay. With --legacy it offers what
// the node asks for: nothing.
const free = ["--legacy"];

/** One cast command; its standard output without the line end. */
async function cast(...args) {
  const { stdout } = await run(binary, args, { maxBuffer: 1 << 24 });
  return stdout.trimEnd();
}

/** Arguments as cast reads them: tuples in parentheses, arrays in brackets. */
function text(value) {
  if (Array.isArray(value)) return `(${value.map(text).join(",")})`;
  if (value !== null && typeof value === "object") return text(Object.values(value));
  return String(value);
}

/** Opens a client for the node at `url`. */
export async function open(url) {
  const signature = (contract, fn) => new Interface(contract.abi).getFunction(fn).format("sighash");

  return {
    address: (key) => cast("wallet", "address", "--private-key", key),
    async rpc(method, params) {
      return JSON.parse(await cast("rpc", "--rpc-url", url, "--raw", method, JSON.stringify(params)));
    },
    async read(contract, fn, args) {
      const raw = await cast("call", "--rpc-url", url, contract.address, signature(contract, fn), ...args.map(text));
      const decoded = new Interface(contract.abi).decodeFunctionResult(fn, raw);
      const value = decoded.length === 1 ? decoded[0] : decoded;
      return value?.toObject ? value.toObject() : value;
    },
    async send(key, contract, fn, args) {
      const receipt = JSON.parse(await cast(
        "send", "--json", ...free, "--rpc-url", url, "--private-key", key, contract.address, signature(contract, fn), ...args.map(text),
      ));
      return {
        hash: receipt.transactionHash,
        ok: BigInt(receipt.status) === 1n,
        block: BigInt(receipt.blockNumber),
        gasUsed: BigInt(receipt.gasUsed),
        logs: receipt.logs,
      };
    },
    /** The custom error that this call would end in, decoded by cast from the node's answer. */
    async refusal(key, contract, fn, args) {
      const from = await cast("wallet", "address", "--private-key", key);
      try {
        await cast("call", "--rpc-url", url, "--from", from, contract.address, signature(contract, fn), ...args.map(text));
      } catch (error) {
        const data = /data: "(0x[0-9a-f]{8,})"/i.exec(error.stderr ?? "")?.[1];
        if (!data) throw error;
        const parsed = new Interface(contract.abi).parseError(data);
        const decoded = await cast("decode-error", "--sig", parsed.fragment.format("sighash"), data);
        return { name: parsed.name, args: decoded.split("\n").map((line) => BigInt(line.split(" ")[0])) };
      }
      throw new Error(`${fn} was not refused`);
    },
    async signTyped(key, { domain, types, primaryType, message }) {
      const EIP712Domain = [
        { name: "name", type: "string" }, { name: "version", type: "string" },
        { name: "chainId", type: "uint256" }, { name: "verifyingContract", type: "address" },
      ];
      const plain = (_, value) => (typeof value === "bigint" ? value.toString() : value);
      const data = JSON.stringify({ domain, types: { EIP712Domain, ...types }, primaryType, message }, plain);
      return cast("wallet", "sign", "--private-key", key, "--data", data);
    },
    close() {},
  };
}
