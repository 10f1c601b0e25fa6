/** What all pages share: the node, its news, and who the user is. */
import { type ComponentChildren, createContext } from "preact";
import { useCallback, useContext, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { recoveryOf, slotOf } from "./chain/digest";
import { type Hex, quantity } from "./chain/quantity";
import type { Recoveries } from "./chain/recoveries";
import { inWords, Rpc } from "./rpc/client";
import { type Connection, Live } from "./rpc/live";
import { readRecoveries } from "./rpc/recoveries";
import type { Header, NodeStatus } from "./rpc/types";
import type { Wallet } from "./wallet/wallet";

/** A block as it came to this page. */
export interface Arrival {
  readonly number: number;
  readonly hash: Hex;
  readonly slot: number;
  readonly authority: Hex;
  readonly isRecovery: boolean;
  /** When the page heard of it, in milliseconds since the Unix epoch. */
  readonly arrivedMs: number;
}

/** Blocks that the page remembers to have come. */
const ARRIVALS_MAX = 64;
/** How often the node's state is asked for when no block comes. */
const STATUS_EVERY_MS = 10_000;

export interface Ledger {
  readonly rpc: Rpc;
  readonly connection: Connection;
  readonly status: NodeStatus | undefined;
  /** Number of the newest block; 0 until one was heard of. */
  readonly height: number;
  readonly arrivals: readonly Arrival[];
  readonly recoveries: Recoveries;
  readonly wallet: Wallet | undefined;
  readonly setWallet: (wallet: Wallet | undefined) => void;
}

const LedgerContext = createContext<Ledger | undefined>(undefined);

export function useLedger(): Ledger {
  const ledger = useContext(LedgerContext);
  if (ledger === undefined) throw new Error("a page is always inside of LedgerProvider");
  return ledger;
}

/** Where news come from: beside the page, or through the development server. */
function socketUrl(): string {
  const { protocol, host } = location;
  return `${protocol === "https:" ? "wss" : "ws"}://${host}${import.meta.env.DEV ? "/rpc" : "/"}`;
}

export function LedgerProvider({ children }: { children: ComponentChildren }) {
  const rpc = useMemo(() => new Rpc("/"), []);
  const [connection, setConnection] = useState<Connection>("polling");
  const [arrivals, setArrivals] = useState<readonly Arrival[]>([]);
  const [wallet, setWallet] = useState<Wallet>();
  const [status, setStatus] = useState<NodeStatus>();
  const [recoveries, setRecoveries] = useState<Recoveries>();

  const onHead = useCallback((header: Header, arrivedMs: number) => {
    const arrival = {
      number: quantity(header.number),
      hash: header.hash,
      slot: slotOf(header.extraData),
      authority: header.miner,
      isRecovery: recoveryOf(header.extraData) !== undefined,
      arrivedMs,
    };
    setArrivals((before) => [...before.slice(1 - ARRIVALS_MAX), arrival]);
  }, []);
  useEffect(() => {
    const live = new Live(rpc, socketUrl(), { head: onHead, connection: setConnection });
    live.start();
    return () => live.stop();
  }, [rpc, onHead]);

  const height = arrivals.at(-1)?.number ?? 0;
  // A new block is an occasion to ask.
  useEffect(() => {
    const ask = () => rpc.call<NodeStatus>("ledger_status").then(setStatus, () => undefined);
    void ask();
    const timer = setInterval(ask, STATUS_EVERY_MS);
    return () => clearInterval(timer);
  }, [rpc, height, connection]);

  // There is a new one when its block comes, or while nobody listened. Until an answer has come, every block is an occasion to ask.
  const recovered = arrivals.findLast(({ isRecovery }) => isRecovery)?.number;
  const askedAt = recoveries === undefined ? height : undefined;
  useEffect(() => {
    void readRecoveries(rpc).then(setRecoveries, () => undefined);
  }, [rpc, recovered, connection, askedAt]);

  const ledger = { rpc, connection, status, height, arrivals, recoveries, wallet, setWallet };
  return <LedgerContext.Provider value={ledger}>{children}</LedgerContext.Provider>;
}

/** An answer that is on its way, has come, or did not. */
export interface Answer<T> {
  readonly value: T | undefined;
  readonly error: string | undefined;
  readonly again: () => void;
}

interface AnswerOptions {
  /** Ask again with every block. */
  readonly withBlocks?: boolean;
  /** Ask again so often, in milliseconds. */
  readonly everyMs?: number;
}

/** Asks the node, and asks again as it is told to. What came stays until a newer answer, or until `key` changes. */
export function useAnswer<T>(key: string, load: (rpc: Rpc) => Promise<T>, options: AnswerOptions = {}): Answer<T> {
  const { rpc, height } = useLedger();
  const [answer, setAnswer] = useState<{ key: string; value?: T; error?: string }>({ key });
  const [asked, setAsked] = useState(0);
  const newest = useRef(0);
  const loading = useRef(load);
  loading.current = load;
  const again = useCallback(() => setAsked((count) => count + 1), []);

  // Blocks and the clock are occasions to ask.
  useEffect(() => {
    newest.current += 1;
    const turn = newest.current;
    loading.current(rpc).then(
      (value) => turn === newest.current && setAnswer({ key, value }),
      (error) =>
        turn === newest.current &&
        setAnswer((before) => ({ ...(before.key === key ? before : { key }), error: inWords(error) })),
    );
  }, [rpc, key, asked, options.withBlocks ? height : 0]);
  useEffect(() => {
    if (options.everyMs === undefined) return;
    const timer = setInterval(again, options.everyMs);
    return () => clearInterval(timer);
  }, [again, options.everyMs]);

  const current = answer.key === key;
  return { value: current ? answer.value : undefined, error: current ? answer.error : undefined, again };
}

/** The time in seconds, which goes on while the page is shown. */
export function useNow(everyMs = 1_000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now / 1_000;
}
