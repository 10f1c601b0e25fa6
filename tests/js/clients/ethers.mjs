// The story's client in ethers.js, as its documentation shows it: no gas price, nonce or gas limit is ever given.
import { Contract, JsonRpcProvider, Wallet, isError } from "ethers";

export const name = "ethers.js";

/** Opens a client for the node at `url`. */
export async function open(url) {
  const provider = new JsonRpcProvider(url, undefined, { polling: true, pollingInterval: 100, cacheTimeout: -1 });
  const at = (contract, runner) => new Contract(contract.address, contract.abi, runner);

  return {
    address: async (key) => new Wallet(key).address,
    rpc: (method, params) => provider.send(method, params),
    async read(contract, fn, args) {
      const answer = await at(contract, provider)[fn](...args);
      return answer?.toObject ? answer.toObject() : answer;
    },
    async send(key, contract, fn, args) {
      const sent = await at(contract, new Wallet(key, provider))[fn](...args);
      const receipt = await sent.wait();
      return { hash: sent.hash, ok: receipt.status === 1, block: BigInt(receipt.blockNumber), gasUsed: receipt.gasUsed, logs: receipt.logs };
    },
    /** The custom error that this call would end in, decoded. */
    async refusal(key, contract, fn, args) {
      try {
        await at(contract, new Wallet(key, provider))[fn].staticCall(...args);
      } catch (error) {
        if (!isError(error, "CALL_EXCEPTION") || !error.revert) throw error;
        return { name: error.revert.name, args: [...error.revert.args] };
      }
      throw new Error(`${fn} was not refused`);
    },
    async signTyped(key, { domain, types, message }) {
      return new Wallet(key).signTypedData(domain, types, message);
    },
    close() {
      provider.destroy();
    },
  };
}
