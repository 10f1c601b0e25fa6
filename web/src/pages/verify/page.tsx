/** A cloud's page: is this code good, and could we redeem it now? */
import { useEffect, useRef, useState } from "preact/hooks";
import { parseCodeRef } from "../../chain/code-ref";
import { type Authorization, parseAuthorization } from "../../chain/consent";
import { useLedger } from "../../ledger";
import { inWords } from "../../rpc/client";
import type { Verification } from "../../rpc/types";
import { Icon } from "../../ui/icon";
import { Field, Notice, Title } from "../../ui/parts";
import { sentence } from "../../words";
import { CloudSelect, useClouds } from "../clouds";
import { Outcome } from "./outcome";
import { Scanner } from "./scanner";
import { Snippets } from "./snippets";

/** Where the browser remembers which cloud asks. */
const CLOUD_STORED_AS = "cloud-ledger.cloud";

/** What is asked: repeated with every block, so that the verdict stays true. */
interface Asked {
  readonly id: string;
  readonly cloud: string;
  readonly authorization: Authorization | undefined;
}

export function VerifyPage({ code }: { code: string }) {
  const [text, setText] = useState(code);
  const [cloud, setCloud] = useState(recallCloud);
  const [consent, setConsent] = useState("");
  const [faults, setFaults] = useState<{ code?: string; cloud?: string; consent?: string }>({});
  const [asked, setAsked] = useState<Asked>();
  const clouds = useClouds();
  const verdict = useRef<HTMLDivElement>(null);
  useEffect(() => setText(code), [code]);
  useEffect(() => {
    // On a narrow screen the verdict is below the form.
    if (asked) verdict.current?.scrollIntoView({ block: "nearest" });
  }, [asked]);

  const chooseCloud = (memberId: string) => {
    setCloud(memberId);
    rememberCloud(memberId);
  };
  const check = (given: string) => {
    const id = attempt(() => parseCodeRef(given).id);
    const authorization = attempt(() => (consent.trim() === "" ? undefined : parseAuthorization(consent)));
    setFaults({
      ...("fault" in id && { code: id.fault }),
      ...("fault" in authorization && { consent: authorization.fault }),
      ...(cloud === "" && { cloud: "choose your cloud: the answer depends on what it offers" }),
    });
    if ("fault" in id || "fault" in authorization || cloud === "") return;
    setAsked({ id: id.value, cloud, authorization: authorization.value });
  };
  const onSubmit = (event: Event) => {
    event.preventDefault();
    check(text);
  };
  const onScanned = (found: string) => {
    setText(found);
    check(found);
  };
  const name = clouds.find(({ memberId }) => `${memberId}` === cloud)?.name ?? "Your Cloud";
  return (
    <>
      <Title name="Is this code good?">
        For the sign-up of a cloud: paste or scan what the user shows. Nothing is changed; redeeming is done by your own
        system.
      </Title>
      <div class="split">
        <form class="card stack" onSubmit={onSubmit} aria-label="Code to verify">
          <Field label="Code" hint="Passport code, transaction id, or what a QR code holds." fault={faults.code}>
            {(attributes) => (
              <input
                {...attributes}
                class="input large mono"
                placeholder="03A0-0ADE"
                value={text}
                autocomplete="off"
                autocapitalize="characters"
                spellcheck={false}
                onInput={(event) => setText(event.currentTarget.value)}
              />
            )}
          </Field>
          <Scanner onFound={onScanned} />
          <Field label="Your cloud" fault={faults.cloud}>
            {(attributes) => (
              <CloudSelect attributes={attributes} clouds={clouds} chosen={cloud} onChoose={chooseCloud} />
            )}
          </Field>
          <details open={consent !== ""}>
            <summary>The user's authorization</summary>
            <Field
              label="Authorization"
              hint="The JSON that the user's page or passport authorize made."
              fault={faults.consent}
            >
              {(attributes) => (
                <textarea
                  {...attributes}
                  class="input"
                  value={consent}
                  spellcheck={false}
                  onInput={(event) => setConsent(event.currentTarget.value)}
                />
              )}
            </Field>
          </details>
          <button type="submit" class="button main">
            <Icon name="verify" /> Verify
          </button>
        </form>
        <div class="stack code-place" ref={verdict}>
          {asked ? (
            <Verified asked={asked} />
          ) : (
            <p class="empty">
              The verdict appears here: whether the code is good, for what, for how long, and how firm that is.
            </p>
          )}
        </div>
      </div>
      <Snippets question={{ node: `${location.origin}/`, code: asked?.id ?? "03A0-0ADE", cloud: name }} />
    </>
  );
}

function recallCloud(): string {
  try {
    return localStorage.getItem(CLOUD_STORED_AS) ?? "";
  } catch {
    return "";
  }
}

function rememberCloud(memberId: string): void {
  try {
    localStorage.setItem(CLOUD_STORED_AS, memberId);
  } catch {
    // Where nothing may be stored, the cloud is chosen each time.
  }
}

function attempt<T>(read: () => T): { value: T } | { fault: string } {
  try {
    return { value: read() };
  } catch (error) {
    return { fault: inWords(error) };
  }
}

function Verified({ asked }: { asked: Asked }) {
  const { rpc, height } = useLedger();
  const [verification, setVerification] = useState<Verification>();
  const [error, setError] = useState<string>();
  // A new block may change the verdict.
  useEffect(() => {
    let stopped = false;
    const request = { cloud: Number(asked.cloud), ...(asked.authorization && { authorization: asked.authorization }) };
    rpc.call<Verification>("ledger_verifyCode", asked.id, request).then(
      (found) => {
        if (stopped) return;
        setVerification(found);
        setError(undefined);
      },
      (failure) => !stopped && setError(inWords(failure)),
    );
    return () => {
      stopped = true;
    };
  }, [rpc, asked, height]);
  if (error !== undefined) return <Notice tone="bad">{sentence(error)}</Notice>;
  return verification ? <Outcome verification={verification} /> : <p class="empty">Asking the node…</p>;
}
