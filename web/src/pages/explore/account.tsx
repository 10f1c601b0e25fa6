/** An account: what it holds, and its codes. */
import { contractName } from "../../chain/calls";
import { type Hex, isHexOf, isSame, quantity } from "../../chain/quantity";
import { useAnswer } from "../../ledger";
import type { ValidatorsInfo } from "../../rpc/types";
import { Badge, Copy, Notice, Title } from "../../ui/parts";
import { plural } from "../../words";
import { Balance } from "../passport/balance";
import { MyCodes } from "../passport/my-codes";

export function AccountPage({ id }: { id: string }) {
  if (!isHexOf(20, id)) {
    return (
      <>
        <Title name="Account" />
        <Notice tone="warn">An account is 0x and 40 hexadecimal digits; this is not: {id}</Notice>
      </>
    );
  }
  return <Account address={id} />;
}

function Account({ address }: { address: Hex }) {
  const sent = useAnswer(`nonce ${address}`, (rpc) => rpc.call<Hex>("eth_getTransactionCount", address, "latest"), {
    withBlocks: true,
  });
  const validators = useAnswer("validators", (rpc) => rpc.call<ValidatorsInfo>("ledger_validators"));
  const validator = validators.value?.validators.find(({ account }) => isSame(account, address));
  const contract = contractName(address);
  return (
    <>
      <Title name="Account" />
      <div class="split">
        <div class="stack">
          <div class="card stack">
            <div class="row">
              <span class="mono address">{address}</span>
              <Copy text={address} what="the address" />
            </div>
            <div class="row">
              {contract && <Badge tone="accent">The contract {contract}</Badge>}
              {validator && <Badge tone="accent">Governs for {validator.cloud}</Badge>}
              {sent.value && <Badge>{plural(quantity(sent.value), "transaction")} sent</Badge>}
            </div>
            <Balance address={address} />
          </div>
        </div>
        <MyCodes title="Its codes" holder={address} none="It never held a code, in the blocks that were looked at." />
      </div>
    </>
  );
}
