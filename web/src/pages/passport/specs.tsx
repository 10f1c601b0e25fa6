/** What can be asked for, what is left of it, and the asking. */
import { useState } from "preact/hooks";
import { big, type Hex, quantity } from "../../chain/quantity";
import { requestInput } from "../../chain/transact";
import { useAnswer, useLedger } from "../../ledger";
import { inWords } from "../../rpc/client";
import type { PoolEntry, SpecInfo } from "../../rpc/types";
import { Icon } from "../../ui/icon";
import { Badge, Meter, Notice, Waiting } from "../../ui/parts";
import { count, duration, plural, sentence, tokenWords } from "../../words";
import { sizeOf } from "../code-parts";

export function Specs({ onRequested }: { onRequested: (transaction: Hex) => void }) {
  const specs = useAnswer("specs", (rpc) => rpc.call<SpecInfo[]>("ledger_specs"));
  const pool = useAnswer("pool", (rpc) => rpc.call<PoolEntry[]>("ledger_pool"), { withBlocks: true });
  return (
    <section class="stack" aria-labelledby="specs">
      <h2 id="specs">What you can ask for</h2>
      {specs.value === undefined ? (
        <Waiting what="what clouds give" error={specs.error} />
      ) : (
        <div class="grid">
          {specs.value.map((spec) => (
            <Spec
              key={spec.specId}
              spec={spec}
              pool={pool.value?.find(({ specId }) => specId === spec.specId)}
              onRequested={onRequested}
            />
          ))}
        </div>
      )}
    </section>
  );
}

interface SpecProps {
  readonly spec: SpecInfo;
  readonly pool: PoolEntry | undefined;
  readonly onRequested: (transaction: Hex) => void;
}

function Spec({ spec, pool, onRequested }: SpecProps) {
  const { wallet, status } = useLedger();
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string>();
  const available = pool ? quantity(pool.available) : 0;
  const offered = pool ? quantity(pool.offered) : 0;

  const request = () => {
    if (wallet === undefined || status === undefined) return;
    setBusy(true);
    setFault(undefined);
    wallet
      .send(status.contracts.transact, requestInput(quantity(spec.specId)))
      .then(onRequested, (error) => setFault(inWords(error)))
      .finally(() => setBusy(false));
  };
  const why = wallet === undefined ? "Choose a wallet first" : available === 0 ? "None left" : "Get a code";
  return (
    <article class="card spec" aria-label={`Spec ${spec.name}`}>
      <div class="row apart">
        <span class="name">{spec.name}</span>
        <span class="reward small">{tokenWords(big(spec.reward))} back</span>
      </div>
      <p class="size">
        {sizeOf(spec).map((part) => (
          <span key={part}>{part}</span>
        ))}
      </p>
      <div class="stack tight">
        <div class="row apart small">
          <span>
            <strong class="figures">{pool ? count(available) : "…"}</strong> of {count(offered)} left
          </span>
          <span class="soft">use it within {duration(quantity(spec.ttlSeconds))}</span>
        </div>
        <Meter share={offered === 0 ? 0 : available / offered} />
        <Offers pool={pool} />
      </div>
      <button type="button" class="button main wide" disabled={busy || why !== "Get a code"} onClick={request}>
        {busy && <Icon name="spinner" spins />}
        {busy ? "Asking…" : why}
      </button>
      {fault && <Notice tone="bad">{sentence(fault)}</Notice>}
    </article>
  );
}

function Offers({ pool }: { pool: PoolEntry | undefined }) {
  if (pool === undefined) return null;
  const out = quantity(pool.liveCodes);
  if (pool.offers.length === 0) return <p class="small soft">No cloud offers it at the moment.</p>;
  return (
    <p class="clouds">
      {pool.offers.map((offer) => (
        <Badge key={offer.memberId} tone={offer.paused ? "warn" : "plain"}>
          {offer.cloud} {offer.paused ? "paused" : count(quantity(offer.left))}
        </Badge>
      ))}
      <span class="unseen">{plural(pool.offers.length, "cloud offers it", "clouds offer it")}</span>
      {out > 0 && <span class="small soft">{plural(out, "code is", "codes are")} out and not used yet.</span>}
    </p>
  );
}
