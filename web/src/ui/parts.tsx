/** The small parts that pages are put together from. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { link } from "../route";
import { sentence, shortened } from "../words";
import { Icon, type IconName } from "./icon";

export type Tone = "good" | "warn" | "bad" | "accent" | "plain";

export function Badge({ tone = "plain", children }: { tone?: Tone; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

const NOTICE_ICONS: Record<Tone, IconName> = {
  good: "good",
  warn: "warning",
  bad: "bad",
  accent: "info",
  plain: "info",
};

/** Something to know; what is bad is read out at once. */
export function Notice({ tone = "plain", children }: { tone?: Tone; children: ComponentChildren }) {
  return (
    <div class={`notice ${tone}`} role={tone === "bad" ? "alert" : "status"}>
      <Icon name={NOTICE_ICONS[tone]} />
      <div>{children}</div>
    </div>
  );
}

/** The name of a page, on it and on its tab. */
export function Title({ name, children }: { name: string; children?: ComponentChildren }) {
  useTitle(name);
  return (
    <div class="title">
      <h1>{name}</h1>
      {children && <p class="lead">{children}</p>}
    </div>
  );
}

interface FocusHeadingProps {
  readonly id: string;
  /** What it is the heading of has come in the place of what the user did something in. */
  readonly isNew: boolean;
  readonly children: ComponentChildren;
}

/** A heading that takes the focus when what had it is gone, so that whoever uses the keyboard goes on from there. */
export function FocusHeading({ id, isNew, children }: FocusHeadingProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const { activeElement, body } = document;
    if (isNew && (activeElement === null || activeElement === body)) heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <h2 id={id} ref={heading} tabIndex={-1}>
      {children}
    </h2>
  );
}

export function useTitle(name: string): void {
  useEffect(() => {
    document.title = `${name} – Cloud Ledger`;
  }, [name]);
}

/** How long a copy button says that it has copied. */
const COPIED_MS = 1_600;

export function Copy({ text, what, label = "Copy" }: { text: string; what: string; label?: string }) {
  const [copied, setCopied] = useState<boolean | undefined>();
  useEffect(() => {
    if (copied === undefined) return;
    const timer = setTimeout(() => setCopied(undefined), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const onClick = () => copyText(text).then(setCopied);
  const said = copied === undefined ? label : copied ? "Copied" : "Select and copy it by hand";
  return (
    <button type="button" class="copy" onClick={onClick} aria-label={copied ? "Copied" : `Copy ${what}`}>
      <Icon name={copied ? "check" : "copy"} />
      <span aria-live="polite">{said}</span>
    </button>
  );
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

type Linked = "block" | "transaction" | "code" | "account";

/** A long id, shortened, that leads to its page. */
export function Id({ id, to, ends = 6 }: { id: string; to: Linked; ends?: number }) {
  return (
    <a href={link(to, id)} class="mono nowrap" title={id}>
      {shortened(id, ends)}
    </a>
  );
}

/** A share as a bar, beside the words that say it. */
export function Meter({ share }: { share: number }) {
  const percent = Math.round(100 * Math.min(1, Math.max(0, share)));
  return (
    <div class="meter" aria-hidden="true">
      <span style={{ width: `${percent}%` }} />
    </div>
  );
}

/** A table that may be wider than the screen; whoever uses the keyboard can scroll it. */
export function Wide({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
    // biome-ignore lint/a11y/useSemanticElements: a section with a name would be a landmark beside the card that it lies in
    <div class="scroll" role="group" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}

/** Text of a program or a file, to be copied. */
export function Snippet({ text, what, testId }: { text: string; what: string; testId: string }) {
  return (
    <div class="snippet">
      <Copy text={text} what={what} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: whoever uses the keyboard has to be able to scroll it */}
      <pre tabIndex={0} data-testid={testId}>
        {text}
      </pre>
    </div>
  );
}

interface FieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly fault?: string | undefined;
  /** Gets the attributes that tie the input to its label and hint. */
  readonly children: (attributes: {
    id: string;
    "aria-describedby"?: string;
    "aria-invalid"?: boolean;
  }) => ComponentChildren;
}

export function Field({ label, hint, fault, children }: FieldProps) {
  const id = useId();
  const described = fault ? `${id}-fault` : hint ? `${id}-hint` : undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        id,
        ...(described && { "aria-describedby": described }),
        ...(fault !== undefined && { "aria-invalid": true }),
      })}
      {hint && (
        <span class="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {fault && (
        <span class="fault" id={`${id}-fault`} role="alert">
          {sentence(fault)}
        </span>
      )}
    </div>
  );
}

/** A dialog over the page; Escape and its cross close it. Escape does so at once: the event `close` comes later than the next key. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const isGone = useRef(false);
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    // Also where it goes away by what was done in it, so that the focus returns to where it was.
    return () => {
      isGone.current = true;
      shown?.close();
    };
  }, []);
  return (
    <dialog ref={dialog} onCancel={onClose} onClose={() => isGone.current || onClose()} aria-labelledby={id}>
      <div class="dialog-head">
        <h2 id={id}>{title}</h2>
        <button type="button" class="close" aria-label="Close" onClick={() => dialog.current?.close()}>
          <Icon name="cross" />
        </button>
      </div>
      {children}
    </dialog>
  );
}

interface TabsProps<T extends string> {
  readonly label: string;
  readonly choices: readonly (readonly [T, string])[];
  readonly chosen: T;
  readonly onChoose: (choice: T) => void;
}

/** Choices of which one is taken; the arrow keys move between them. */
export function Tabs<T extends string>({ label, choices, chosen, onChoose }: TabsProps<T>) {
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    const at = choices.findIndex(([choice]) => choice === chosen);
    const next = choices[(at + step + choices.length) % choices.length];
    if (!next) return;
    onChoose(next[0]);
    const buttons = (event.currentTarget as HTMLElement).querySelectorAll("button");
    buttons[choices.indexOf(next)]?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={label} onKeyDown={onKeyDown}>
      {choices.map(([choice, name]) => (
        <button
          key={choice}
          type="button"
          role="tab"
          aria-selected={choice === chosen}
          tabIndex={choice === chosen ? 0 : -1}
          onClick={() => onChoose(choice)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

/** What is shown while something is asked for, and if it did not come. */
export function Waiting({ error, what }: { error?: string | undefined; what: string }) {
  return error === undefined ? <p class="empty">Loading {what}…</p> : <Notice tone="bad">{sentence(error)}</Notice>;
}
