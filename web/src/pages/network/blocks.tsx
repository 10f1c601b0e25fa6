/** The newest blocks. */
import { slotOf } from "../../chain/digest";
import { isSame, quantity, toQuantity } from "../../chain/quantity";
import { useAnswer, useLedger, useNow } from "../../ledger";
import { link } from "../../route";
import type { Block, ValidatorsInfo } from "../../rpc/types";
import { Id, Waiting, Wide } from "../../ui/parts";
import { count, relative } from "../../words";
import { BlockBadge } from "../recovery";

/** Blocks in the table. */
const SHOWN = 8;

export function Blocks() {
  const { height } = useLedger();
  const now = useNow();
  const numbers = Array.from({ length: SHOWN }, (_, back) => height - back).filter((number) => number >= 0);
  const blocks = useAnswer(
    "newest blocks",
    (rpc) =>
      Promise.all(numbers.map((number) => rpc.call<Block | null>("eth_getBlockByNumber", toQuantity(number), false))),
    { withBlocks: true },
  );
  const validators = useAnswer("validators", (rpc) => rpc.call<ValidatorsInfo>("ledger_validators"));
  const nameOf = (account: string) =>
    validators.value?.validators.find((validator) => isSame(validator.account, account))?.cloud;
  return (
    <section class="card" aria-labelledby="blocks">
      <h2 id="blocks">Newest blocks</h2>
      {blocks.value === undefined ? (
        <Waiting what="blocks" error={blocks.error} />
      ) : (
        <Wide label="Newest blocks">
          <table class="table" data-testid="blocks">
            <thead>
              <tr>
                <th scope="col">Block</th>
                <th scope="col">Age</th>
                <th scope="col">Made by</th>
                <th scope="col" class="number spare">
                  Slot
                </th>
                <th scope="col" class="number">
                  Transactions
                </th>
                <th scope="col" class="spare">
                  Hash
                </th>
              </tr>
            </thead>
            <tbody>
              {blocks.value
                .filter((block) => block !== null)
                .map((block) => (
                  <tr key={block.hash}>
                    <td class="nowrap">
                      <a href={link("block", `${quantity(block.number)}`)}>{count(quantity(block.number))}</a>{" "}
                      <BlockBadge number={quantity(block.number)} />
                    </td>
                    <td class="nowrap">{relative(quantity(block.timestamp), now)}</td>
                    <td class="nowrap">{nameOf(block.miner) ?? "genesis"}</td>
                    <td class="number spare">{count(slotOf(block.extraData))}</td>
                    <td class="number">{block.transactions.length}</td>
                    <td class="spare">
                      <Id id={block.hash} to="block" />
                    </td>
                  </tr>
                ))}
            </tbody>
          </table>
        </Wide>
      )}
    </section>
  );
}
