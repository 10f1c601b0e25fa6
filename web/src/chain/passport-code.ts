/**
 * How do people write down a promo code? The port of `chainspec/src/passport_code.rs`, which says why it is so; both are held
 * against the same golden codes.
 *
 * ```text
 * block number: 3, 7, 11 or 15 symbols | position: 3 symbols | check: 2 symbols      e.g. 03A0-0ADE
 * ```
 */

/** Most transactions that a block can have for each of them to have a passport code. */
export const CODE_INDEX_MAX = (1 << 15) - 1;

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TEXT_CHARS_MAX = 96;
const GROUP_SYMBOLS = 4;
const INDEX_BITS = 15n;
const CHECK_SYMBOLS = 2;
const SYMBOLS_MIN = 8;
const SYMBOLS_MAX = 20;
const BLOCK_MAX = (1n << 64n) - 1n;

/** The place of a transaction in the chain. */
export interface PassportCode {
  readonly block: bigint;
  readonly index: number;
}

/** Why a text is no passport code: in words, and which of the rules it breaks. */
export class CodeError extends Error {
  constructor(
    readonly rule: "length" | "symbol" | "check" | "canonical" | "transaction",
    message: string,
  ) {
    super(message);
  }
}

/** The text of a passport code. */
export function formatPassportCode(code: PassportCode): string {
  return grouped(symbolsOf(code));
}

/** Reads a passport code. Case, dashes and blanks do not matter; I and L are read as 1, O as 0. Throws {@link CodeError}. */
export function parsePassportCode(text: string): PassportCode {
  if (text.length > TEXT_CHARS_MAX) throw lengthError([...text].length);
  const symbols: number[] = [];
  for (const [place, found] of [...text].entries()) {
    if (found === "-" || found === " ") continue;
    const value = symbolValue(found);
    if (value < 0) {
      const where = `character ${place + 1} of the passport code is ${JSON.stringify(found)}`;
      throw new CodeError("symbol", `${where}; codes have digits and letters except U`);
    }
    symbols.push(value);
  }
  return fromSymbols(symbols);
}

function symbolValue(found: string): number {
  const letter = /[a-z]/.test(found) ? found.toUpperCase() : found;
  if (letter === "I" || letter === "L") return 1;
  if (letter === "O") return 0;
  return letter.length === 1 ? ALPHABET.indexOf(letter) : -1;
}

function symbolsOf(code: PassportCode): number[] {
  const number = (code.block << INDEX_BITS) | BigInt(code.index);
  let length = SYMBOLS_MIN;
  while (number >> BigInt(5 * (length - CHECK_SYMBOLS)) !== 0n) length += GROUP_SYMBOLS;
  const data = Array.from({ length: length - CHECK_SYMBOLS }, (_, place) =>
    Number((number >> BigInt(5 * (length - CHECK_SYMBOLS - 1 - place))) & 31n),
  );
  const [atOne, atTwo] = syndromes([...data, 0, 0]);
  // Two equations: c0 + c1 = atOne and c0 + 2 c1 = atTwo, so 3 c1 = atOne + atTwo.
  const c1 = multiply(atOne ^ atTwo, INVERSE_OF_3);
  return [...data, c1, atOne ^ c1];
}

function fromSymbols(symbols: number[]): PassportCode {
  const isWhole = symbols.length % GROUP_SYMBOLS === 0;
  if (!isWhole || symbols.length < SYMBOLS_MIN || symbols.length > SYMBOLS_MAX) throw lengthError(symbols.length);
  const text = grouped(symbols);
  if (syndromes(symbols).some((syndrome) => syndrome !== 0)) {
    const what = `the passport code ${text} has a typing error in it: its check symbols do not fit`;
    throw new CodeError("check", `${what}; compare it with the original`);
  }
  const data = symbols.slice(0, -CHECK_SYMBOLS);
  const number = data.reduce((value, symbol) => (value << 5n) | BigInt(symbol), 0n);
  const code = { block: number >> INDEX_BITS, index: Number(number & BigInt(CODE_INDEX_MAX)) };
  if (code.block > BLOCK_MAX || grouped(symbolsOf(code)) !== text) {
    throw new CodeError("canonical", `${text} is not how a passport code is written: it was altered`);
  }
  return code;
}

function lengthError(symbols: number): CodeError {
  const what = "a passport code has 8, 12, 16 or 20 letters and digits in groups of four";
  return new CodeError("length", `${what}, but this has ${symbols}`);
}

function grouped(symbols: number[]): string {
  const letters = symbols.map((symbol) => ALPHABET[symbol]).join("");
  return letters.replace(/(.{4})(?=.)/g, "$1-");
}

/** 1 / 3 in the field: 3 * 28 = 28 + 56, and 56 = 29 modulo x^5 + x^2 + 1. */
const INVERSE_OF_3 = 28;

/** The word as a polynomial (last symbol first) at 1 and at 2. */
function syndromes(symbols: number[]): [number, number] {
  return symbols.reduce<[number, number]>(
    ([atOne, atTwo], symbol) => [atOne ^ symbol, multiply(atTwo, 2) ^ symbol],
    [0, 0],
  );
}

/** The product in GF(32), of polynomials modulo x^5 + x^2 + 1. */
function multiply(first: number, second: number): number {
  let product = 0;
  let a = first;
  for (let b = second; b > 0; b >>= 1) {
    if (b & 1) product ^= a;
    a <<= 1;
    if (a & 32) a ^= 0b10_0101;
  }
  return product;
}
