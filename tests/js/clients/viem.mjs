// The story's client in viem, as its documentation shows it: no gas price, nonce or gas limit is ever given.
import {
  BaseError, ContractFunctionRevertedError, createPublicClient, createWalletClient, defineChain, http,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";

export const name = "viem";

/** Opens a client for the node at `url`. */
export async function open(url) {
  const probe = createPublicClient({ transport: http(url) });
  const id = await probe.getChainId();
  const chain = defineChain({
    id,
    name: "Cloud Ledger dev",
    nativeCurrency: { name: "Coin", symbol: "COIN", decimals: 18 },
    rpcUrls: { default: { http: [url] } },
  });
  const reader = createPublicClient({ chain, transport: http(url), pollingInterval: 100 });
  const walletOf = (key) => createWalletClient({ account: privateKeyToAccount(key), chain, transport: http(url) });

  return {
    address: async (key) => privateKeyToAccount(key).address,
    rpc: (method, params) => reader.request({ method, params }),
    async read(contract, fn, args) {
      return reader.readContract({ address: contract.address, abi: contract.abi, functionName: fn, args });
    },
    async send(key, contract, fn, args) {
      const hash = await walletOf(key).writeContract({ address: contract.address, abi: contract.abi, functionName: fn, args });
      const receipt = await reader.waitForTransactionReceipt({ hash });
      return { hash, ok: receipt.status === "success", block: receipt.blockNumber, gasUsed: receipt.gasUsed, logs: receipt.logs };
    },
    /** The custom error that this call would end in, decoded. */
    async refusal(key, contract, fn, args) {
      try {
        await reader.simulateContract({
          account: privateKeyToAccount(key), address: contract.address, abi: contract.abi, functionName: fn, args,
        });
      } catch (error) {
        const reverted = error instanceof BaseError && error.walk((cause) => cause instanceof ContractFunctionRevertedError);
        if (!reverted?.data) throw error;
        return { name: reverted.data.errorName, args: [...(reverted.data.args ?? [])] };
      }
      throw new Error(`${fn} was not refused`);
    },
    async signTyped(key, { domain, types, primaryType, message }) {
      return privateKeyToAccount(key).signTypedData({ domain, types, primaryType, message });
    },
    close() {},
  };
}
