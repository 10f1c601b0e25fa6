/** What is anchored on the mainchain, and how old it is. */
import { quantity } from "../../chain/quantity";
import { useAnswer, useLedger, useNow } from "../../ledger";
import { link } from "../../route";
import { type AnchorStatus, type Checkpoint, isOnMainchain, readAnchoring, stateWords } from "../../rpc/checkpoints";
import type { Rpc } from "../../rpc/client";
import type { Header } from "../../rpc/types";
import { Badge, Id, Notice, Waiting, Wide } from "../../ui/parts";
import { count, relative, sentence } from "../../words";

interface Dated {
  readonly checkpoint: Checkpoint;
  /** When its block was made, in seconds since the Unix epoch. */
  readonly time: number | undefined;
}

export function Checkpoints() {
  const { status } = useLedger();
  const answer = useAnswer(
    "checkpoints",
    async (rpc) => {
      const anchoring = await readAnchoring(rpc, status);
      return { anchoring, dated: await Promise.all(anchoring.checkpoints.map((checkpoint) => dated(rpc, checkpoint))) };
    },
    { withBlocks: true },
  );
  return (
    <section class="card stack" aria-labelledby="checkpoints" data-testid="checkpoints">
      <h2 id="checkpoints">Checkpoints</h2>
      {answer.value === undefined ? (
        <Waiting what="checkpoints" error={answer.error} />
      ) : (
        <>
          {answer.value.anchoring.summary && <p class="soft">{answer.value.anchoring.summary}</p>}
          <AnchorAlarms anchor={status?.anchor} />
          {answer.value.dated.length > 0 && <Table dated={answer.value.dated} />}
        </>
      )}
    </section>
  );
}

/** What is wrong with the anchor, as the node says it. */
function AnchorAlarms({ anchor }: { anchor: AnchorStatus | undefined }) {
  return (
    <>
      {anchor?.contradiction && (
        <Notice tone="bad">
          Checkpoint {quantity(anchor.contradiction.index)} on the mainchain anchors another block{" "}
          {quantity(anchor.contradiction.number)} than this node has: {anchor.contradiction.anchored} is anchored,{" "}
          {anchor.contradiction.got} is here.
        </Notice>
      )}
      {anchor?.alarms.map(({ name, message }) => (
        <Notice key={name} tone="warn">
          {sentence(message)}
        </Notice>
      ))}
    </>
  );
}

async function dated(rpc: Rpc, checkpoint: Checkpoint): Promise<Dated> {
  const header = await rpc.call<Header | null>("eth_getBlockByNumber", checkpoint.height, false).catch(() => null);
  return { checkpoint, time: header ? quantity(header.timestamp) : undefined };
}

function Table({ dated }: { dated: readonly Dated[] }) {
  const now = useNow();
  return (
    <Wide label="Checkpoints">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Checkpoint</th>
            <th scope="col">Block</th>
            <th scope="col">Age</th>
            <th scope="col">State</th>
            <th scope="col">Signatures</th>
            <th scope="col">Hash</th>
          </tr>
        </thead>
        <tbody>
          {dated.map(({ checkpoint, time }) => (
            <tr key={checkpoint.index}>
              <td>{count(quantity(checkpoint.index))}</td>
              <td>
                <a href={link("block", `${quantity(checkpoint.height)}`)}>{count(quantity(checkpoint.height))}</a>
              </td>
              <td class="nowrap">{time === undefined ? "…" : relative(time, now)}</td>
              <td>
                <Badge tone={isOnMainchain(checkpoint) ? "good" : "plain"}>{stateWords(checkpoint)}</Badge>
              </td>
              <td class="nowrap">
                {checkpoint.signed && checkpoint.quorum
                  ? `${quantity(checkpoint.signed)}, and ${quantity(checkpoint.quorum)} are needed`
                  : "a quorum"}
              </td>
              <td>{checkpoint.blockHash ? <Id id={checkpoint.blockHash} to="block" /> : "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}
