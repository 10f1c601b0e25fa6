/** Finds what an id names, and goes there. */
import { useEffect, useState } from "preact/hooks";
import { toQuantity } from "../../chain/quantity";
import { type Guess, guesses } from "../../chain/search";
import { useLedger } from "../../ledger";
import { link } from "../../route";
import type { Rpc } from "../../rpc/client";
import { Notice, Title } from "../../ui/parts";

export function SearchPage({ query }: { query: string }) {
  const { rpc } = useLedger();
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let stopped = false;
    setFailed(false);
    first(rpc, guesses(query)).then((found) => {
      if (stopped) return;
      if (found) location.replace(link(found.kind, found.id));
      else setFailed(true);
    });
    return () => {
      stopped = true;
    };
  }, [rpc, query]);
  return (
    <>
      <Title name={failed ? "Nothing found" : "Searching…"} />
      {failed && (
        <Notice tone="warn">
          Nothing on this chain has the id <span class="mono">{query}</span>. A block has a number or a hash, a
          transaction 0x and 64 digits, an account 0x and 40, a passport code letters and digits in groups of four.
        </Notice>
      )}
    </>
  );
}

/** The first guess that the node knows. */
async function first(rpc: Rpc, all: readonly Guess[]): Promise<Guess | undefined> {
  for (const guess of all) {
    if (await exists(rpc, guess).catch(() => false)) return guess;
  }
  return undefined;
}

async function exists(rpc: Rpc, { kind, id }: Guess): Promise<boolean> {
  switch (kind) {
    case "account":
      return true;
    case "code":
      return (await rpc.call("ledger_code", id)) !== null;
    case "transaction":
      return (await rpc.call("eth_getTransactionByHash", id)) !== null;
    case "block":
      return (await rpc.call(...blockQuestion(id))) !== null;
  }
}

/** How a block is asked for, by its number or hash. */
export function blockQuestion(id: string, whole = false): [method: string, id: string, whole: boolean] {
  const isHash = id.startsWith("0x");
  return [isHash ? "eth_getBlockByHash" : "eth_getBlockByNumber", isHash ? id : toQuantity(BigInt(id)), whole];
}
