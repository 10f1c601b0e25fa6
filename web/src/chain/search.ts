/** What may a text be that somebody searches for? In the order in which it is worth asking. Pure. */
import { parseCodeRef } from "./code-ref";
import { isHexOf } from "./quantity";

export type Guess =
  | { readonly kind: "block"; readonly id: string }
  | { readonly kind: "transaction"; readonly id: string }
  | { readonly kind: "account"; readonly id: string }
  | { readonly kind: "code"; readonly id: string };

export function guesses(query: string): Guess[] {
  const text = query.trim();
  const number = text.replaceAll(",", "");
  if (/^\d{1,15}$/.test(number)) return [{ kind: "block", id: number }, ...codeGuess(text)];
  const hex = text.toLowerCase();
  if (isHexOf(20, hex)) return [{ kind: "account", id: hex }];
  const hash = hex.startsWith("0x") ? hex : `0x${hex}`;
  if (isHexOf(32, hash)) {
    return [
      { kind: "code", id: hash },
      { kind: "transaction", id: hash },
      { kind: "block", id: hash },
    ];
  }
  return codeGuess(text);
}

function codeGuess(text: string): Guess[] {
  try {
    return [{ kind: "code", id: parseCodeRef(text).id }];
  } catch {
    return [];
  }
}
