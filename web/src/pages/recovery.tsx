/** What a recovery did to the chain, in words for whoever meets one of its blocks. */
import { leftBy, type Recovery, recoveryIn } from "../chain/recoveries";
import { useLedger } from "../ledger";
import { link } from "../route";
import { Badge, Notice } from "../ui/parts";
import { count } from "../words";

function BlockLink({ number }: { number: number }) {
  return <a href={link("block", `${number}`)}>{count(number)}</a>;
}

function Span({ first, last }: { first: number; last: number }) {
  if (last < first) return <>No block was left behind.</>;
  if (last === first)
    return (
      <>
        Block <BlockLink number={first} /> was left behind: it can still be read, and what it did is undone.
      </>
    );
  return (
    <>
      Blocks <BlockLink number={first} /> to <BlockLink number={last} /> were left behind: they can still be read, and
      what they did is undone.
    </>
  );
}

/** On the page of a recovery block. */
export function RecoveryNotice({ epoch, checkpoint, target, first, last }: Omit<Recovery, "block">) {
  return (
    <Notice tone="warn">
      <strong>Recovery block.</strong> By vote of the validators, recovery {epoch} brought the chain back to the state
      of block <BlockLink number={target} />, which checkpoint {checkpoint} anchors on the mainchain.{" "}
      <Span first={first} last={last} />
    </Notice>
  );
}

/** On the page of a block that a recovery left behind, or of a transaction in it. */
export function LeftBehindNotice({ recovery, what }: { recovery: Recovery; what: "block" | "transaction" }) {
  return (
    <Notice tone="warn">
      <strong>Left behind.</strong> Recovery {recovery.epoch}, in block <BlockLink number={recovery.block} />, brought
      the chain back to the state of block <BlockLink number={recovery.target} />. What this {what} did is undone; codes
      that it issued are none any more.
    </Notice>
  );
}

/** Beside a block's number: what is unusual about it. */
export function BlockBadge({ number }: { number: number }) {
  const { recoveries } = useLedger();
  if (recoveryIn(recoveries, number)) return <Badge tone="warn">recovery</Badge>;
  if (leftBy(recoveries, number)) return <Badge>left behind</Badge>;
  return null;
}

/** Why a code that was issued is none. */
export function leftCodeWords({ epoch, block }: Recovery): string {
  const recovery = `Recovery ${epoch}, in block ${count(block)}`;
  return `${recovery}, left the block behind that issued this code: it is no code any more. Ask for a new one.`;
}

/** The same of a passport code, which names a place in a block, whatever was there. */
export function leftPlaceWords({ epoch, block }: Recovery): string {
  const recovery = `Recovery ${epoch}, in block ${count(block)}`;
  return `${recovery}, left the block behind that this passport code names: it is no code any more. Ask for a new one.`;
}
