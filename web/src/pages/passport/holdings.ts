/** The codes of an account, with what this browser remembers of earlier looks. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { type Holdings, PIECES_MAX, readPiece, search } from "../../chain/holdings";
import type { Hex } from "../../chain/quantity";
import { useLedger } from "../../ledger";
import { inWords } from "../../rpc/client";

/** Codes that are remembered of one account. */
const REMEMBERED_MAX = 500;

export interface HoldingsSearch {
  readonly codeIds: readonly Hex[];
  /** The oldest block that was looked at; 0 if nothing is left. */
  readonly from: number | undefined;
  readonly searching: boolean;
  readonly error: string | undefined;
  /** Looks at older blocks. */
  readonly further: () => void;
}

/** Finds the codes that `holder` ever got, the newest first; follows new blocks. */
export function useHoldings(holder: Hex): HoldingsSearch {
  const { rpc, status, height, recoveries } = useLedger();
  const transact = status?.contracts.transact;
  // What was found before a recovery is looked for again after it.
  const epoch = recoveries && (recoveries[0]?.epoch ?? 0);
  const chain = status && `cloud-ledger.codes.${status.genesisHash}.`;
  const key = chain && epoch !== undefined ? `${chain}${epoch}.${holder.toLowerCase()}` : undefined;
  const [known, setKnown] = useState<Holdings>();
  const [pieces, setPieces] = useState(PIECES_MAX);
  const [searching, setSearching] = useState(false);
  const [error, setError] = useState<string>();
  const newest = useRef(height);
  const left = useRef(recoveries);
  left.current = recoveries;
  const wake = useRef<() => void>();
  const isReady = height > 0;

  useEffect(() => {
    newest.current = height;
    wake.current?.();
  }, [height]);

  useEffect(() => {
    if (chain === undefined || key === undefined || transact === undefined || !isReady) return;
    forgetOthers(chain, key);
    let stopped = false;
    const look = {
      read: (from: number, to: number) =>
        readPiece(rpc, { address: holder, transact, recoveries: left.current }, from, to),
      found: (found: Holdings) => {
        remember(key, found);
        if (!stopped) setKnown(found);
      },
      newest: () => newest.current,
      isStopped: () => stopped,
    };
    // One look after another: on a chain that makes blocks faster than they are read, none would come to its end otherwise.
    const follow = async () => {
      while (!stopped) {
        setSearching(true);
        const failure = await search(look, pieces, recall(key)).then(() => undefined, inWords);
        if (stopped) return;
        setError(failure);
        setSearching(false);
        await new Promise<void>((resolve) => {
          wake.current = resolve;
        });
      }
    };
    void follow();
    return () => {
      stopped = true;
      wake.current?.();
    };
  }, [rpc, chain, key, transact, holder, pieces, isReady]);

  const further = useCallback(() => setPieces((before) => before + PIECES_MAX), []);
  return { codeIds: known?.codeIds ?? [], from: known?.from, searching, error, further };
}

/** Forgets what was found of the same holder before the newest recovery. */
function forgetOthers(chain: string, key: string): void {
  const holder = key.slice(key.lastIndexOf("."));
  try {
    for (const other of Object.keys(localStorage)) {
      if (other !== key && other.startsWith(chain) && other.endsWith(holder)) localStorage.removeItem(other);
    }
  } catch {
    // Where there is no storage there is nothing in it.
  }
}

function recall(key: string): Holdings | undefined {
  try {
    const found = JSON.parse(localStorage.getItem(key) ?? "null") as Holdings | null;
    return found && Number.isSafeInteger(found.from) && Array.isArray(found.codeIds) ? found : undefined;
  } catch {
    return undefined;
  }
}

function remember(key: string, found: Holdings): void {
  try {
    if (found.codeIds.length <= REMEMBERED_MAX) localStorage.setItem(key, JSON.stringify(found));
  } catch {
    // A full or forbidden storage costs the next visit a longer look, and nothing else.
  }
}
