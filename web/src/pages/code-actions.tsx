/** What the holder of a live code can do: allow a cloud to redeem it, pass it on, give it back. */
import { useState } from "preact/hooks";
import { authorizationFile, type Consent, REFERENCE_BYTES_MAX, typedData } from "../chain/consent";
import { type Hex, isHexOf, quantity } from "../chain/quantity";
import { cancelInput, transferInput } from "../chain/transact";
import { useLedger } from "../ledger";
import { inWords } from "../rpc/client";
import type { CodeInfo } from "../rpc/types";
import { Icon } from "../ui/icon";
import { Dialog, Field, Notice, Snippet } from "../ui/parts";
import { saveFile } from "../ui/save";
import { sentence } from "../words";
import { CloudSelect, useClouds } from "./clouds";

type Action = "authorize" | "transfer" | "cancel";

export function HolderActions({ code, onDone }: { code: CodeInfo; onDone: () => void }) {
  const [action, setAction] = useState<Action>();
  if (code.state !== "live") return null;
  const close = () => setAction(undefined);
  return (
    <div class="card stack tight">
      <h2>What you can do with it</h2>
      <p class="soft small">
        Give the passport code to a cloud at sign-up. Since anybody can read codes on the chain, the cloud also needs
        your signature, made for it alone.
      </p>
      <div class="row">
        <button type="button" class="button main" onClick={() => setAction("authorize")}>
          Sign for a cloud
        </button>
        <button type="button" class="button" onClick={() => setAction("transfer")}>
          Pass it on
        </button>
        <button type="button" class="button danger" onClick={() => setAction("cancel")}>
          Give it back
        </button>
      </div>
      {action === "authorize" && <Authorize code={code} onClose={close} />}
      {action === "transfer" && <Transfer code={code} onClose={close} onDone={onDone} />}
      {action === "cancel" && <Cancel code={code} onClose={close} onDone={onDone} />}
    </div>
  );
}

/** How long an authorization is good for. */
const LIFETIMES = [
  [3_600, "1 hour"],
  [86_400, "1 day"],
  [604_800, "7 days"],
] as const;

function Authorize({ code, onClose }: { code: CodeInfo; onClose: () => void }) {
  const { wallet, status } = useLedger();
  const clouds = useClouds();
  const [cloud, setCloud] = useState("");
  const [reference, setReference] = useState("");
  const [lifetime, setLifetime] = useState<number>(86_400);
  const [signed, setSigned] = useState<string>();
  const [fault, setFault] = useState<string>();
  const [busy, setBusy] = useState(false);

  const sign = async (): Promise<string> => {
    const chosen = clouds.find(({ memberId }) => `${memberId}` === cloud);
    if (!chosen || !wallet || !status) throw new Error("choose the cloud that may redeem the code");
    if (reference.trim() === "")
      throw new Error("say which sign-up at the cloud it is for: your user name there, or a number");
    if (new TextEncoder().encode(reference).length > REFERENCE_BYTES_MAX) {
      throw new Error(`a sign-up reference has at most ${REFERENCE_BYTES_MAX} bytes`);
    }
    const consent: Consent = {
      chainId: quantity(status.chainId),
      transact: status.contracts.transact,
      code,
      holder: wallet.address,
      cloud: chosen,
      signup: { reference, salt: randomWord() },
      deadline: Math.floor(Date.now() / 1000) + lifetime,
    };
    return JSON.stringify(authorizationFile(consent, await wallet.sign(typedData(consent))), null, 2);
  };
  const onSubmit = (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setFault(undefined);
    sign()
      .then(setSigned, (error) => setFault(inWords(error)))
      .finally(() => setBusy(false));
  };
  if (signed) return <Signed text={signed} onClose={onClose} />;
  return (
    <Dialog title="Sign for one cloud" onClose={onClose}>
      <form class="stack" onSubmit={onSubmit}>
        <Field label="Cloud" hint="Only this cloud can redeem the code with your signature.">
          {(attributes) => <CloudSelect attributes={attributes} clouds={clouds} chosen={cloud} onChoose={setCloud} />}
        </Field>
        <Field
          label="Sign-up reference"
          hint="The user name or number that the cloud knows your sign-up by. Only its salted hash is on the chain."
        >
          {(attributes) => (
            <input
              {...attributes}
              class="input"
              value={reference}
              onInput={(event) => setReference(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label="Good for">
          {(attributes) => (
            <select {...attributes} class="input" onChange={(event) => setLifetime(Number(event.currentTarget.value))}>
              {LIFETIMES.map(([seconds, name]) => (
                <option key={seconds} value={seconds} selected={seconds === lifetime}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
        {fault && <Notice tone="bad">{sentence(fault)}</Notice>}
        <button type="submit" class="button main" disabled={busy}>
          {busy ? "Sign in your wallet…" : "Sign"}
        </button>
      </form>
    </Dialog>
  );
}

function Signed({ text, onClose }: { text: string; onClose: () => void }) {
  return (
    <Dialog title="Signed" onClose={onClose}>
      <div class="stack">
        <p>Give this to the cloud with your code. It costs nothing and changes nothing until the cloud redeems.</p>
        <Snippet text={text} what="the authorization" testId="authorization" />
        <button type="button" class="button" onClick={() => saveFile("authorization.json", text)}>
          <Icon name="download" /> Save as a file
        </button>
      </div>
    </Dialog>
  );
}

interface ActProps {
  readonly code: CodeInfo;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

/** Sends one of the holder's transactions. */
function useSending(onSent: () => void) {
  const { wallet, status } = useLedger();
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string>();
  const send = (input: () => Hex) => {
    if (!wallet || !status) return;
    setBusy(true);
    setFault(undefined);
    Promise.resolve()
      .then(() => wallet.send(status.contracts.transact, input()))
      .then(onSent, (error) => setFault(inWords(error)))
      .finally(() => setBusy(false));
  };
  return { send, busy, fault };
}

function Transfer({ code, onClose, onDone }: ActProps) {
  const [to, setTo] = useState("");
  const sent = () => {
    onDone();
    onClose();
  };
  const { send, busy, fault } = useSending(sent);
  const onSubmit = (event: Event) => {
    event.preventDefault();
    send(() => {
      const address = to.trim();
      if (!isHexOf(20, address)) throw new Error("an address is 0x and 40 hexadecimal digits");
      return transferInput(BigInt(code.codeId), address);
    });
  };
  return (
    <Dialog title="Pass the code on" onClose={onClose}>
      <form class="stack" onSubmit={onSubmit}>
        <Field
          label="New holder"
          hint="From then on only this account can use the code, and get its reward."
          fault={fault}
        >
          {(attributes) => (
            <input
              {...attributes}
              class="input mono"
              placeholder="0x…"
              value={to}
              spellcheck={false}
              autocomplete="off"
              onInput={(event) => setTo(event.currentTarget.value)}
            />
          )}
        </Field>
        <button type="submit" class="button main" disabled={busy}>
          {busy ? "Passing it on…" : "Pass it on"}
        </button>
      </form>
    </Dialog>
  );
}

function Cancel({ code, onClose, onDone }: ActProps) {
  const sent = () => {
    onDone();
    onClose();
  };
  const { send, busy, fault } = useSending(sent);
  return (
    <Dialog title="Give the code back?" onClose={onClose}>
      <div class="stack">
        <p>
          The code <span class="mono">{code.passportCode}</span> goes back to the pool for somebody else. This cannot be
          undone.
        </p>
        {fault && <Notice tone="bad">{sentence(fault)}</Notice>}
        <button
          type="button"
          class="button danger"
          disabled={busy}
          onClick={() => send(() => cancelInput(BigInt(code.codeId)))}
        >
          {busy ? "Giving it back…" : "Give it back"}
        </button>
      </div>
    </Dialog>
  );
}

function randomWord(): Hex {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return `0x${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
