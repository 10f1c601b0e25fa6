/** The frame around every page, and which page is in it. */
import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { quantity } from "./chain/quantity";
import { Guarded, Uncaught } from "./faults";
import { useLedger } from "./ledger";
import { PassportPage } from "./pages/passport/page";
import { link, parseRoute, type Route } from "./route";
import type { Connection } from "./rpc/live";
import { Icon, type IconName } from "./ui/icon";
import { Notice, Title } from "./ui/parts";
import { count } from "./words";

/** Pages beside the first are fetched when somebody goes there. */
const LATER = {
  verify: () => import("./pages/verify/page").then((module) => module.VerifyPage),
  network: () => import("./pages/network/page").then((module) => module.NetworkPage),
  explore: () => import("./pages/explore/page").then((module) => module.ExplorePage),
} as const;

const WAYS: readonly { page: "passport" | "verify" | "network"; name: string; icon: IconName }[] = [
  { page: "passport", name: "Passport", icon: "passport" },
  { page: "verify", name: "Verify", icon: "verify" },
  { page: "network", name: "Network", icon: "network" },
];

export function App() {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    const onChange = () => {
      setRoute(parseRoute(location.hash));
      main.current?.focus({ preventScroll: true });
      window.scrollTo(0, 0);
    };
    window.addEventListener("hashchange", onChange);
    return () => window.removeEventListener("hashchange", onChange);
  }, []);
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the page
      </button>
      <Bar route={route} />
      <main ref={main} tabIndex={-1}>
        <div class="stack above">
          <Lost />
          <Uncaught />
        </div>
        <Guarded name={location.hash}>
          <Page route={route} />
        </Guarded>
      </main>
      <Foot />
    </>
  );
}

function Bar({ route }: { route: Route }) {
  return (
    <header class="bar">
      <div class="bar-inner">
        <a class="brand" href={link("passport")} aria-label="Cloud Ledger">
          <img src="/favicon.svg" alt="" />
          <span>Cloud Ledger</span>
        </a>
        <nav class="ways" aria-label="Pages">
          {WAYS.map(({ page, name, icon }) => (
            <a key={page} href={link(page)} aria-current={route.page === page ? "page" : undefined}>
              <Icon name={icon} />
              {name}
            </a>
          ))}
        </nav>
        <Search />
        <Pulse />
      </div>
    </header>
  );
}

function Search() {
  const [query, setQuery] = useState("");
  const onSubmit = (event: Event) => {
    event.preventDefault();
    if (query.trim() === "") return;
    location.hash = link("search", query.trim());
    setQuery("");
  };
  return (
    <search class="search">
      <form onSubmit={onSubmit}>
        <Icon name="search" />
        <input
          type="search"
          aria-label="Search a code, transaction, block or account"
          placeholder="Search codes, blocks, accounts"
          value={query}
          onInput={(event) => setQuery(event.currentTarget.value)}
          autocomplete="off"
          spellcheck={false}
        />
      </form>
    </search>
  );
}

const CONNECTION_WORDS: Record<Connection, string> = {
  live: "live",
  polling: "connecting",
  lost: "the node does not answer",
};

function Pulse() {
  const { connection, height } = useLedger();
  return (
    <a class="pulse" href={link("network")} title={`Block ${height}: ${CONNECTION_WORDS[connection]}`}>
      <span class={`dot ${connection}`} />
      <span>Block {count(height)}</span>
      <span class="unseen">{CONNECTION_WORDS[connection]}</span>
    </a>
  );
}

function Lost() {
  const { connection } = useLedger();
  if (connection !== "lost") return null;
  return (
    <Notice tone="bad">
      The node does not answer. What you see may be old; the page goes on by itself when it is back.
    </Notice>
  );
}

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case "passport":
      return <PassportPage />;
    case "verify":
      return <Later name="verify" load={LATER.verify} props={{ code: route.code }} />;
    case "network":
      return <Later name="network" load={LATER.network} props={{}} />;
    case "nowhere":
      return (
        <Title name="There is no such page">The address {`#/${route.path}`} leads nowhere. Choose another page.</Title>
      );
    default:
      return <Later name="explore" load={LATER.explore} props={{ route }} />;
  }
}

/** A page that is fetched first. */
function Later<P extends object>(later: { name: string; load: () => Promise<ComponentType<P>>; props: P }) {
  const [loaded, setLoaded] = useState<{ name: string; page: ComponentType<P> }>();
  const [failed, setFailed] = useState(false);
  // The name says which page it is.
  useEffect(() => {
    setFailed(false);
    later.load().then(
      (page) => setLoaded({ name: later.name, page }),
      () => setFailed(true),
    );
  }, [later.name]);
  if (failed) return <Notice tone="bad">This part of the pages could not be fetched. Load the page again.</Notice>;
  if (loaded?.name !== later.name) return <p class="booting">Loading…</p>;
  const Loaded = loaded.page;
  return <Loaded {...later.props} />;
}

function Foot() {
  const { status } = useLedger();
  return (
    <footer class="foot">
      <div class="foot-inner">
        {status && (
          <>
            <span>
              Chain <strong>{status.chain}</strong>, id {quantity(status.chainId)}
            </span>
            <span>{status.clientVersion}</span>
          </>
        )}
        <span>Gas costs nothing. Every block is final.</span>
      </div>
    </footer>
  );
}
