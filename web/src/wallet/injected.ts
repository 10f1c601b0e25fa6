/** Wallets that the browser's extensions bring, found as EIP-6963 says, and spoken to as EIP-1193 says. */
import { getTypesForEIP712Domain } from "viem";
import type { RedemptionData } from "../chain/consent";
import { type Hex, quantity, toQuantity } from "../chain/quantity";
import type { Wallet } from "./wallet";

export interface Provider {
  request(call: { method: string; params?: unknown }): Promise<unknown>;
  on?(event: string, listener: (value: unknown) => void): void;
}

/** A wallet that has announced itself. */
export interface Announced {
  readonly info: { readonly uuid: string; readonly name: string; readonly icon: string; readonly rdns: string };
  readonly provider: Provider;
}

/** The chain, as a wallet has to be told of it. */
export interface ChainFacts {
  readonly chainId: number;
  readonly name: string;
  readonly rpcUrl: string;
}

/** EIP-1193's and wallets' code for a chain that the wallet does not know. */
const UNKNOWN_CHAIN = 4902;

/** Tells of each wallet once; gives what ends the search. */
export function findWallets(found: (wallet: Announced) => void): () => void {
  const seen = new Set<string>();
  const onAnnounce = (event: Event) => {
    const { detail } = event as CustomEvent<Announced>;
    if (seen.has(detail.info.uuid)) return;
    seen.add(detail.info.uuid);
    found(detail);
  };
  window.addEventListener("eip6963:announceProvider", onAnnounce);
  window.dispatchEvent(new Event("eip6963:requestProvider"));
  return () => window.removeEventListener("eip6963:announceProvider", onAnnounce);
}

/** Asks the wallet for an account, and to be on this chain. `onLeft` hears of it when the user takes another account. */
export async function connect(announced: Announced, chain: ChainFacts, onLeft: () => void): Promise<Wallet> {
  const { provider, info } = announced;
  const accounts = (await provider.request({ method: "eth_requestAccounts" })) as Hex[];
  const [address] = accounts;
  if (address === undefined) throw new Error(`${info.name} gave no account`);
  await enterChain(provider, chain);
  provider.on?.("accountsChanged", onLeft);
  return {
    kind: "injected",
    name: info.name,
    icon: info.icon,
    address,
    async send(to: Hex, input: Hex): Promise<Hex> {
      await enterChain(provider, chain);
      // Gas costs nothing here; wallets that are not told so propose a price that an empty account cannot pay.
      const transaction = { from: address, to, data: input, maxFeePerGas: "0x0", maxPriorityFeePerGas: "0x0" };
      return (await provider.request({ method: "eth_sendTransaction", params: [transaction] })) as Hex;
    },
    async sign(data: RedemptionData): Promise<Hex> {
      await enterChain(provider, chain);
      const types = { EIP712Domain: getTypesForEIP712Domain({ domain: data.domain }), ...data.types };
      const text = JSON.stringify({ ...data, types }, (_, value) => (typeof value === "bigint" ? `${value}` : value));
      return (await provider.request({ method: "eth_signTypedData_v4", params: [address, text] })) as Hex;
    },
  };
}

async function enterChain(provider: Provider, chain: ChainFacts): Promise<void> {
  const current = (await provider.request({ method: "eth_chainId" })) as string;
  if (quantity(current) === chain.chainId) return;
  const chainId = toQuantity(chain.chainId);
  try {
    await provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId }] });
  } catch (error) {
    if ((error as { code?: number }).code !== UNKNOWN_CHAIN) throw error;
    const described = {
      chainId,
      chainName: chain.name,
      rpcUrls: [chain.rpcUrl],
      nativeCurrency: { name: "None", symbol: "NONE", decimals: 18 },
    };
    await provider.request({ method: "wallet_addEthereumChain", params: [described] });
  }
}
