import { render } from "preact";
import { App } from "./app";
import { LedgerProvider } from "./ledger";

const root = document.getElementById("app");
if (root) {
  root.replaceChildren();
  render(
    <LedgerProvider>
      <App />
    </LedgerProvider>,
    root,
  );
}
