/** Who is the user? A wallet that the browser brings, or a key that this browser keeps. */
import { useEffect, useRef, useState } from "preact/hooks";
import { type Hex, quantity } from "../../chain/quantity";
import { useLedger } from "../../ledger";
import { inWords } from "../../rpc/client";
import { Icon } from "../../ui/icon";
import { Copy, Dialog, Field, FocusHeading, Id, Notice } from "../../ui/parts";
import { saveFile } from "../../ui/save";
import { type Announced, connect, findWallets } from "../../wallet/injected";
import { type KeystoreFile, PASSPHRASE_CHARS_MIN } from "../../wallet/keystore";
import { createKey, forgetKey, importKey, openKey, storedKey } from "../../wallet/vault";
import { keyWallet } from "../../wallet/wallet";
import { sentence } from "../../words";
import { Balance } from "./balance";

export function WalletPanel() {
  const { wallet } = useLedger();
  const before = useRef(wallet);
  const isNew = before.current !== wallet;
  useEffect(() => {
    before.current = wallet;
  }, [wallet]);
  return wallet === undefined ? <Choice isNew={isNew} /> : <Connected isNew={isNew} />;
}

/** Which way of getting at a key is shown in a dialog. */
type Asked = "create" | "unlock" | "import";

function Choice({ isNew }: { isNew: boolean }) {
  const { rpc, status, setWallet } = useLedger();
  const [announced, setAnnounced] = useState<readonly Announced[]>([]);
  const [asked, setAsked] = useState<Asked>();
  const [fault, setFault] = useState<string>();
  const [stored, setStored] = useState(() => readStored());
  useEffect(() => findWallets((found) => setAnnounced((before) => [...before, found])), []);

  const use = async (found: Announced) => {
    if (status === undefined) return;
    setFault(undefined);
    const chain = { chainId: quantity(status.chainId), name: `Cloud Ledger ${status.chain}`, rpcUrl: location.origin };
    await connect(found, chain, () => setWallet(undefined)).then(setWallet, (error) => setFault(inWords(error)));
  };
  const open = (privateKey: Hex) => {
    if (status === undefined) return;
    setWallet(keyWallet(privateKey, quantity(status.chainId), rpc));
    setAsked(undefined);
  };
  return (
    <section class="card stack tight" aria-labelledby="who">
      <FocusHeading id="who" isNew={isNew}>
        Who asks?
      </FocusHeading>
      <p class="soft small">A code belongs to a key. You need no coins, no account and no e-mail address.</p>
      {announced.map((found) => (
        <button key={found.info.uuid} type="button" class="wallet-choice" onClick={() => use(found)}>
          <img src={found.info.icon} alt="" />
          <span>{found.info.name}</span>
          <span class="soft small">Connect</span>
        </button>
      ))}
      {stored ? (
        <button type="button" class="wallet-choice" onClick={() => setAsked("unlock")}>
          <Icon name="lock" />
          <span>
            This browser's key
            <br />
            <span class="soft small mono">0x{stored.address?.slice(0, 8)}…</span>
          </span>
          <span class="soft small">Unlock</span>
        </button>
      ) : (
        <button type="button" class="wallet-choice" onClick={() => setAsked("create")}>
          <Icon name="key" />
          <span>Make a key in this browser</span>
          <span class="soft small">New</span>
        </button>
      )}
      <div class="row">
        <button type="button" class="button little" onClick={() => setAsked("import")}>
          Use a key file
        </button>
        {stored && <Forget onForgotten={() => setStored(undefined)} />}
      </div>
      {announced.length === 0 && (
        <p class="soft small">A wallet that you have as an extension of this browser would be listed here, too.</p>
      )}
      {fault && <Notice tone="bad">{sentence(fault)}</Notice>}
      {asked && <KeyDialog asked={asked} stored={stored} onOpen={open} onClose={() => setAsked(undefined)} />}
    </section>
  );
}

function readStored(): KeystoreFile | undefined {
  try {
    return storedKey();
  } catch {
    return undefined;
  }
}

function Forget({ onForgotten }: { onForgotten: () => void }) {
  const [asking, setAsking] = useState(false);
  const forget = () => {
    forgetKey();
    onForgotten();
  };
  return (
    <>
      <button type="button" class="button little" onClick={() => setAsking(true)}>
        Remove it
      </button>
      {asking && (
        <Dialog title="Remove the key from this browser?" onClose={() => setAsking(false)}>
          <div class="stack">
            <p>Without the exported file and its passphrase, codes that it holds are lost for good.</p>
            <button type="button" class="button danger" onClick={forget}>
              Remove the key
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

interface KeyDialogProps {
  readonly asked: Asked;
  readonly stored: KeystoreFile | undefined;
  readonly onOpen: (privateKey: Hex) => void;
  readonly onClose: () => void;
}

const DIALOGS: Record<Asked, { title: string; button: string; hint: string }> = {
  create: {
    title: "Make a key",
    button: "Make the key",
    hint: `At least ${PASSPHRASE_CHARS_MIN} characters. Nobody can give it to you again.`,
  },
  unlock: { title: "Unlock this browser's key", button: "Unlock", hint: "The passphrase that you chose for this key." },
  import: { title: "Use a key file", button: "Open the key", hint: "The passphrase of the file." },
};

function KeyDialog({ asked, stored, onOpen, onClose }: KeyDialogProps) {
  const [passphrase, setPassphrase] = useState("");
  const [file, setFile] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string>();
  const { title, button, hint } = DIALOGS[asked];

  const open = async (): Promise<Hex> => {
    if (asked === "create") {
      if (passphrase.length < PASSPHRASE_CHARS_MIN) {
        throw new Error(`the passphrase has ${passphrase.length} characters, and needs ${PASSPHRASE_CHARS_MIN}`);
      }
      return (await createKey(passphrase)).privateKey;
    }
    if (asked === "unlock" && stored) return openKey(stored, passphrase);
    if (file === undefined) throw new Error("choose the file first");
    return (await importKey(file, passphrase)).privateKey;
  };
  const onSubmit = (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setFault(undefined);
    open()
      .then(onOpen, (error) => setFault(inWords(error)))
      .finally(() => setBusy(false));
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="stack" onSubmit={onSubmit}>
        {asked === "create" && (
          <p class="soft small">
            The key stays in this browser, encrypted with your passphrase. Export it afterwards: it is a usual Web3 key
            file, which other wallets and the <code>passport</code> command take.
          </p>
        )}
        {asked === "import" && (
          <Field
            label="Key file"
            hint={`A Web3 keystore, version 3. ${stored ? "It replaces the key that this browser keeps." : "This browser keeps it."}`}
          >
            {(attributes) => (
              <input
                {...attributes}
                class="input"
                type="file"
                accept="application/json,.json"
                onChange={(event) => event.currentTarget.files?.[0]?.text().then(setFile)}
              />
            )}
          </Field>
        )}
        <Field label="Passphrase" hint={hint} fault={fault}>
          {(attributes) => (
            <input
              {...attributes}
              class="input"
              type="password"
              autocomplete={asked === "create" ? "new-password" : "current-password"}
              value={passphrase}
              onInput={(event) => setPassphrase(event.currentTarget.value)}
            />
          )}
        </Field>
        <button type="submit" class="button main" disabled={busy}>
          {busy && <Icon name="spinner" spins />}
          {busy ? "A moment…" : button}
        </button>
      </form>
    </Dialog>
  );
}

function Connected({ isNew }: { isNew: boolean }) {
  const { wallet, setWallet } = useLedger();
  if (wallet === undefined) return null;
  return (
    <section class="card stack tight" aria-labelledby="who">
      <div class="row apart">
        <FocusHeading id="who" isNew={isNew}>
          Your wallet
        </FocusHeading>
        <button type="button" class="button little" onClick={() => setWallet(undefined)}>
          {wallet.kind === "browser" ? "Lock" : "Leave"}
        </button>
      </div>
      <div class="row identity">
        {wallet.icon ? <img src={wallet.icon} alt="" /> : <Icon name="key" />}
        <div>
          <div class="small soft">{wallet.name}</div>
          <span data-testid="address" data-address={wallet.address}>
            <Id id={wallet.address} to="account" />
          </span>
          <Copy text={wallet.address} what="your address" label="" />
        </div>
      </div>
      <Balance address={wallet.address} />
      {wallet.kind === "browser" && <Export />}
    </section>
  );
}

function Export() {
  const file = readStored();
  if (file === undefined) return null;
  const download = () => saveFile(`cloud-ledger-${file.address}.json`, JSON.stringify(file, null, 2));
  return (
    <button type="button" class="button little" onClick={download}>
      <Icon name="download" /> Export the key file
    </button>
  );
}
