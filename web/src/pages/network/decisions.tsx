/** What the validators decide, and the proofs against those that broke the rules. */
import { isSame, quantity } from "../../chain/quantity";
import { useAnswer, useNow } from "../../ledger";
import type { EvidenceInfo, ProposalInfo, ValidatorsInfo } from "../../rpc/types";
import { Badge, Meter, Notice, Waiting } from "../../ui/parts";
import { count, relative, sentence } from "../../words";

export function Proposals() {
  const proposals = useAnswer("proposals", (rpc) => rpc.call<ProposalInfo[]>("ledger_proposals"), { withBlocks: true });
  const validators = useAnswer("validators", (rpc) => rpc.call<ValidatorsInfo>("ledger_validators"));
  const nameOf = (account: string) =>
    validators.value?.validators.find((validator) => isSame(validator.account, account))?.cloud ?? account;
  return (
    <section class="card stack" aria-labelledby="proposals" data-testid="proposals">
      <h2 id="proposals">Proposals</h2>
      {proposals.value === undefined && <Waiting what="proposals" error={proposals.error} />}
      {proposals.value?.length === 0 && <p class="soft">Nothing is up for a vote.</p>}
      {proposals.value?.map((proposal) => (
        <Proposal key={proposal.proposalId} proposal={proposal} nameOf={nameOf} />
      ))}
    </section>
  );
}

function Proposal({ proposal, nameOf }: { proposal: ProposalInfo; nameOf: (account: string) => string }) {
  const now = useNow();
  const [votes, needed] = [quantity(proposal.votesFor), quantity(proposal.votesNeeded)];
  const executable = proposal.executableAt && quantity(proposal.executableAt);
  return (
    <article class="proposal stack tight">
      <div class="row apart">
        <h3>
          {quantity(proposal.proposalId)}. {sentence(proposal.summary)}
        </h3>
        <Badge tone={proposal.status === "passed" ? "good" : "accent"}>
          {proposal.status === "passed" ? "Passed" : "Open"}
        </Badge>
      </div>
      <ul class="small">
        {proposal.changes.map(({ name, from, to }) => (
          <li key={name}>
            {name}: {from !== undefined && <s class="soft">{from}</s>} <strong>{to}</strong>
          </li>
        ))}
      </ul>
      <div class="row apart small">
        <span>
          {votes} of {needed} votes needed
        </span>
        <span class="soft">
          {typeof executable === "number"
            ? `can be executed ${relative(executable, now)}`
            : `ends ${relative(quantity(proposal.expiresAt), now)}`}
        </span>
      </div>
      <Meter share={votes / Math.max(1, needed)} />
      <p class="clouds">
        {proposal.votes.map(({ validator, support }) => (
          <Badge key={validator} tone={support ? "good" : "bad"}>
            {nameOf(validator)} {support ? "for" : "against"}
          </Badge>
        ))}
      </p>
      {proposal.notary && (
        <p class="small soft">The notary, as this node found it: {sentence(proposal.notary.words)}</p>
      )}
    </article>
  );
}

const RULES: Readonly<Record<string, string>> = {
  doubleSeal: "proposed two blocks in one slot",
  doubleVote: "voted twice in one slot",
  amnesia: "voted against what it had stood by",
};

export function Evidence() {
  const evidence = useAnswer("evidence", (rpc) => rpc.call<EvidenceInfo[]>("ledger_evidence"), { withBlocks: true });
  if (!evidence.value?.length) return null;
  return (
    <section class="card stack" aria-labelledby="evidence">
      <h2 id="evidence">Broken rules</h2>
      {evidence.value.map((found) => (
        <Notice key={`${found.offender.consensusKey} ${found.slot} ${found.kind}`} tone="warn">
          {found.offender.cloud ?? found.offender.consensusKey} {RULES[found.kind] ?? found.kind}, in slot{" "}
          {count(quantity(found.slot))}: {found.state}.
        </Notice>
      ))}
    </section>
  );
}
