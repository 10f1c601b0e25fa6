/**
 * A wallet as an extension would bring it: announced by EIP-6963, spoken to by EIP-1193. It stands in for an extension's windows alone,
 * since there is nobody to click in them: its key, signatures and transactions are real. Like a wallet that was never told of the
 * chain, it begins on another one.
 */
import type { BrowserContext } from "playwright-core";
import { createWalletClient, defineChain, http } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";

export const WALLET_NAME = "Example Wallet";

/** What wallets answer to whoever names a chain that they do not know. */
const UNKNOWN_CHAIN = 4902;

interface Asked {
  readonly method: string;
  readonly params?: readonly unknown[];
}

interface Sent {
  readonly to: `0x${string}`;
  readonly data: `0x${string}`;
  readonly maxFeePerGas: `0x${string}`;
  readonly maxPriorityFeePerGas: `0x${string}`;
}

/** Brings the wallet into every page of the context; gives its address. */
export async function bringWallet(context: BrowserContext): Promise<`0x${string}`> {
  const account = privateKeyToAccount(generatePrivateKey());
  let chain = { id: 1, url: "" };
  const send = ({ to, data, maxFeePerGas, maxPriorityFeePerGas }: Sent) => {
    const told = defineChain({
      id: chain.id,
      name: "told",
      nativeCurrency: { name: "None", symbol: "NONE", decimals: 18 },
      rpcUrls: { default: { http: [chain.url] } },
    });
    const fees = { maxFeePerGas: BigInt(maxFeePerGas), maxPriorityFeePerGas: BigInt(maxPriorityFeePerGas) };
    return createWalletClient({ account, chain: told, transport: http(chain.url) }).sendTransaction({
      to,
      data,
      ...fees,
    });
  };
  const answer = async ({ method, params = [] }: Asked): Promise<unknown> => {
    switch (method) {
      case "eth_requestAccounts":
        return [account.address];
      case "eth_chainId":
        return `0x${chain.id.toString(16)}`;
      case "wallet_switchEthereumChain":
        return { code: UNKNOWN_CHAIN, message: "Unrecognized chain" };
      case "wallet_addEthereumChain": {
        const [told] = params as [{ chainId: string; rpcUrls: [string] }];
        chain = { id: Number(told.chainId), url: told.rpcUrls[0] };
        return null;
      }
      case "eth_sendTransaction":
        return send(params[0] as Sent);
      case "eth_signTypedData_v4":
        return account.signTypedData(JSON.parse(String(params[1])));
      default:
        throw new Error(`the page asked the wallet for ${method}`);
    }
  };
  await context.exposeFunction("askWallet", answer);
  await context.addInitScript(announce, { name: WALLET_NAME, unknownChain: UNKNOWN_CHAIN });
  return account.address;
}

/** Runs in the page. */
function announce({ name, unknownChain }: { name: string; unknownChain: number }): void {
  const { askWallet } = window as unknown as { askWallet(asked: unknown): Promise<unknown> };
  const provider = {
    async request(asked: unknown) {
      const answer = await askWallet(asked);
      // An error keeps its code on its way here only as a value.
      if ((answer as { code?: number } | null)?.code === unknownChain) throw answer;
      return answer;
    },
  };
  const drawing =
    "%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Crect width='8' height='8' fill='%23c60'/%3E%3C/svg%3E";
  const info = {
    uuid: "5b1f7a3c-0000-4000-8000-000000000001",
    name,
    icon: `data:image/svg+xml,${drawing}`,
    rdns: "example",
  };
  const tell = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: { info, provider } }));
  window.addEventListener("eip6963:requestProvider", tell);
}
