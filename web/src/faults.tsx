/** What the user is told when the pages themselves fail: a fault of a program, which nobody could foresee. */
import type { ComponentChildren } from "preact";
import { useEffect, useErrorBoundary, useState } from "preact/hooks";
import { isOurs } from "./errors";
import { inWords } from "./rpc/client";
import { Notice } from "./ui/parts";
import { sentence } from "./words";

const Again = () => (
  <button type="button" class="button little" onClick={() => location.reload()}>
    Load the page again
  </button>
);

/** Shows what is inside, or that it failed; another `name` begins anew. */
export function Guarded({ name, children }: { name: string; children: ComponentChildren }) {
  const [error, reset] = useErrorBoundary();
  useEffect(reset, [name]);
  if (error === undefined) return <>{children}</>;
  return (
    <Notice tone="bad">
      <div class="stack tight">
        <span>
          <strong>This page has a fault and cannot be shown.</strong> {sentence(inWords(error))} What was sent to the
          ledger before stays sent; your codes and keys are not touched.
        </span>
        <span>
          <Again />
        </span>
      </div>
    </Notice>
  );
}

/** Says that something failed that nobody waits for: an error that no page caught. */
export function Uncaught() {
  const [words, setWords] = useState<string>();
  useEffect(() => {
    const onError = ({ error, message }: ErrorEvent) => {
      if (isOurs(error, location.origin)) setWords(message);
    };
    const onRejection = ({ reason }: PromiseRejectionEvent) => {
      if (isOurs(reason, location.origin)) setWords(inWords(reason));
    };
    window.addEventListener("error", onError);
    window.addEventListener("unhandledrejection", onRejection);
    return () => {
      window.removeEventListener("error", onError);
      window.removeEventListener("unhandledrejection", onRejection);
    };
  }, []);
  if (words === undefined) return null;
  return (
    <Notice tone="bad">
      <div class="stack tight">
        <span>
          <strong>Something on this page failed.</strong> {sentence(words)} If it does not do what you expect, load it
          again.
        </span>
        <span class="row">
          <Again />
          <button type="button" class="button little" onClick={() => setWords(undefined)}>
            Go on
          </button>
        </span>
      </div>
    </Notice>
  );
}
