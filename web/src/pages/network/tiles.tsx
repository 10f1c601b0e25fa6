/** The figures that matter at a glance. */
import { quantity } from "../../chain/quantity";
import { finalityTimes } from "../../chain/turns";
import { useLedger, useNow } from "../../ledger";
import { type AnchorStatus, stateWords } from "../../rpc/checkpoints";
import type { SlotsInfo, StallReport } from "../../rpc/types";
import { brief, count, duration, milliseconds, plural } from "../../words";

export function Tiles({ report, slots }: { report: StallReport | undefined; slots: SlotsInfo | undefined }) {
  const { status } = useLedger();
  const now = useNow();
  const times = slots && finalityTimes(slots);
  const missed = slots?.turns.reduce((sum, turn) => sum + quantity(turn.missed), 0);
  const blocks = slots?.turns.reduce((sum, turn) => sum + quantity(turn.blocks), 0) ?? 0;
  const since = slots && duration(((quantity(slots.slot) - quantity(slots.sinceSlot)) * slotMs(status)) / 1000);
  return (
    <dl class="tiles">
      <Tile name="Newest block" note={report && `${duration(now - quantity(report.head.timestamp))} ago`}>
        {report ? count(quantity(report.head.number)) : "…"}
      </Tile>
      <Tile name="Time to finality" note={times && `95 of 100 within ${milliseconds(times.slow)}`}>
        {times ? milliseconds(times.median) : "–"}
      </Tile>
      <Tile
        name="Missed turns"
        note={
          since && missed !== undefined ? `of ${plural(missed + blocks, "turn")} with work, in ${since}` : undefined
        }
      >
        {missed === undefined ? "…" : count(missed)}
      </Tile>
      <Tile name="Peers" note={status && `${quantity(status.connectedValidators)} of them validators`}>
        {status ? count(quantity(status.peers)) : "…"}
      </Tile>
      {status?.anchor && <AnchorTile anchor={status.anchor} />}
      <Tile name="Waiting" note="transactions for the next blocks">
        {report ? count(quantity(report.pending)) : "…"}
      </Tile>
    </dl>
  );
}

function AnchorTile({ anchor }: { anchor: AnchorStatus }) {
  const { newest, ageSeconds } = anchor;
  return (
    <Tile
      name="Newest checkpoint"
      note={
        newest
          ? `old; block ${count(quantity(newest.height))}, ${stateWords({ ...newest, state: newest.standing })}`
          : "on the mainchain"
      }
    >
      {newest ? (ageSeconds ? brief(quantity(ageSeconds)) : "?") : "none"}
    </Tile>
  );
}

function slotMs(status: { slotDurationMs: `0x${string}` } | undefined): number {
  return status ? quantity(status.slotDurationMs) : 0;
}

interface TileProps {
  readonly name: string;
  readonly note?: string | undefined;
  readonly children: preact.ComponentChildren;
}

function Tile({ name, note, children }: TileProps) {
  return (
    <div class="tile">
      <dt>{name}</dt>
      <dd class="value">{children}</dd>
      <dd class="small soft">{note}</dd>
    </div>
  );
}
