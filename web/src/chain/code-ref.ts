/**
 * Which promo code does a text name? People paste a passport code, a transaction id, the contract's number of the code, or the
 * address inside a QR code; all come out as the id that the `ledger_*` methods take.
 */
import { CodeError, formatPassportCode, parsePassportCode } from "./passport-code";
import { isHexOf } from "./quantity";

export type CodeRef =
  | { readonly form: "transaction"; readonly id: string }
  | { readonly form: "passport"; readonly id: string }
  | { readonly form: "number"; readonly id: string };

/** Longest text that is looked at; the addresses made here are far shorter. */
const TEXT_CHARS_MAX = 2048;

/** The contract's number of a code: `spec:sequence`. */
const NUMBER = /^\d{1,10}:\d{1,20}$/;

/** What `text` names. Throws {@link CodeError} that says what is wrong with it. */
export function parseCodeRef(text: string): CodeRef {
  const trimmed = text.trim().slice(0, TEXT_CHARS_MAX);
  return refOf(/^[a-z]+:\/\//i.test(trimmed) ? codeInAddress(trimmed) : trimmed);
}

/** The code's id from the QR code of a page: the parameter `code`, or else the last part of the address. */
function codeInAddress(address: string): string {
  const parameter = /[?&]code=([^&#]+)/i.exec(address)?.[1];
  const last = address
    .replace(/[?&][^#]*/, "")
    .split(/[/#=]/)
    .filter(Boolean)
    .at(-1);
  return decoded(parameter ?? last ?? "");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function refOf(text: string): CodeRef {
  const digits = /^0x/i.test(text) ? text.slice(2) : undefined;
  const id = digits ?? text;
  if (id.length === 64) {
    const hash = `0x${id.toLowerCase()}`;
    if (isHexOf(32, hash)) return numberOrTransaction(hash);
    throw transactionError(64);
  }
  if (NUMBER.test(text)) return { form: "number", id: text };
  try {
    return { form: "passport", id: formatPassportCode(parsePassportCode(text)) };
  } catch (error) {
    if (digits === undefined || digits.includes("-")) throw error;
    if (/^[0-9a-f]{17,24}$/i.test(digits)) return { form: "number", id: text.toLowerCase() };
    throw transactionError(digits.length);
  }
}

/** A code's number has 96 bits at most, which no transaction's hash has. */
function numberOrTransaction(hash: string): CodeRef {
  const form = hash.startsWith(`0x${"0".repeat(40)}`) ? "number" : "transaction";
  return { form, id: hash };
}

function transactionError(digits: number): CodeError {
  const what = "a transaction id is 0x and 64 hexadecimal digits";
  return new CodeError("transaction", `${what}; this has ${digits} characters, or others than those`);
}

/** The address that a code's QR code holds: this page's, with the passport code at its end. */
export function codeAddress(origin: string, passportCode: string): string {
  return `${origin}/#/code/${passportCode}`;
}
