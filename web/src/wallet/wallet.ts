/** What the pages ask of whoever holds the user's key. */
import { privateKeyToAccount } from "viem/accounts";
import type { RedemptionData } from "../chain/consent";
import { type Hex, quantity } from "../chain/quantity";
import type { Rpc } from "../rpc/client";

export interface Wallet {
  readonly kind: "browser" | "injected";
  /** Of the extension, or of this browser's key. */
  readonly name: string;
  /** An image as a `data:` address; of extensions only. */
  readonly icon?: string;
  readonly address: Hex;
  /** Sends a transaction; gives its id. */
  send(to: Hex, input: Hex): Promise<Hex>;
  /** Signs the consent to a redemption. */
  sign(data: RedemptionData): Promise<Hex>;
}

/** Gas over the estimate, in percent: a block in between may make a call dearer. */
const GAS_MARGIN_PERCENT = 30;

/** The wallet of a key that this page holds. Its transactions offer no price for gas, since gas is free. */
export function keyWallet(privateKey: Hex, chainId: number, rpc: Rpc): Wallet {
  const account = privateKeyToAccount(privateKey);
  const { address } = account;
  return {
    kind: "browser",
    name: "This browser",
    address,
    async send(to: Hex, input: Hex): Promise<Hex> {
      const call = { from: address, to, input };
      const [estimate, nonce] = await Promise.all([
        rpc.call<string>("eth_estimateGas", call),
        rpc.call<string>("eth_getTransactionCount", address, "pending"),
      ]);
      const signed = await account.signTransaction({
        type: "eip1559",
        chainId,
        to,
        data: input,
        nonce: quantity(nonce),
        gas: BigInt(Math.ceil((quantity(estimate) * (100 + GAS_MARGIN_PERCENT)) / 100)),
        maxFeePerGas: 0n,
        maxPriorityFeePerGas: 0n,
      });
      return rpc.call<Hex>("eth_sendRawTransaction", signed);
    },
    sign: (data) => account.signTypedData(data),
  };
}
