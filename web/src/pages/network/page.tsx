/** The network: does it live, whose turn is it, who is there, and what is decided. */
import { quantity } from "../../chain/quantity";
import { useAnswer, useLedger } from "../../ledger";
import type { SlotsInfo, StallReport } from "../../rpc/types";
import { Notice, Title, Waiting } from "../../ui/parts";
import { sentence } from "../../words";
import { Blocks } from "./blocks";
import { Checkpoints } from "./checkpoints";
import { Evidence, Proposals } from "./decisions";
import { Peers } from "./peers";
import { PoolHistory } from "./pool-history";
import { Tiles } from "./tiles";
import { Turns } from "./turns";

/** How often the node is asked whether all is well, beside every block. */
const ALARM_EVERY_MS = 3_000;
/** Slots that are asked for: enough for the row, and for figures over time. */
const SLOTS_ASKED = "0x100";

export function NetworkPage(_: object) {
  const report = useAnswer("stalled", (rpc) => rpc.call<StallReport>("ledger_whyStalled"), {
    withBlocks: true,
    everyMs: ALARM_EVERY_MS,
  });
  const slots = useAnswer(
    "slots",
    async (rpc) => ({ info: await rpc.call<SlotsInfo>("ledger_slots", SLOTS_ASKED), askedMs: Date.now() }),
    { withBlocks: true, everyMs: ALARM_EVERY_MS },
  );
  return (
    <>
      <Title name="The network, live">
        Clouds take turns to make blocks and confirm each other's. A block that more than two thirds of them signed is
        final.
      </Title>
      <div class="stack">
        <Alarms report={report.value} />
        <Tiles report={report.value} slots={slots.value?.info} />
        {slots.value ? (
          <Turns slots={slots.value.info} askedMs={slots.value.askedMs} report={report.value} />
        ) : (
          <Waiting what="the turns" error={slots.error} />
        )}
        <PoolHistory />
        <Blocks />
        <Checkpoints />
        <Proposals />
        <Evidence />
        <Peers />
      </div>
    </>
  );
}

function Alarms({ report }: { report: StallReport | undefined }) {
  const { status } = useLedger();
  if (report === undefined) return null;
  const tone = report.stalled ? "bad" : report.reasons.length > 0 ? "warn" : "good";
  const target = status?.syncTarget;
  return (
    <div data-testid="alarms" data-tone={tone}>
      <Notice tone={tone}>
        <strong>{sentence(report.summary)}</strong>
        {report.reasons.map((reason) => (
          <p key={reason}>{sentence(reason)}</p>
        ))}
        {target && <p>It fetches blocks up to {quantity(target)}.</p>}
      </Notice>
    </div>
  );
}
