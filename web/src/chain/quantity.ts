/** Numbers as JSON-RPC writes them: hexadecimal quantities such as `0x1f`. */

export type Hex = `0x${string}`;

const QUANTITY = /^0x(0|[1-9a-f][0-9a-f]*)$/i;

/** The number behind a quantity. Throws if it is none, or beyond what a number holds exactly. */
export function quantity(text: string): number {
  const value = Number(big(text));
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} is too large for a number`);
  return value;
}

/** As {@link quantity}, without a bound. */
export function big(text: string): bigint {
  if (!QUANTITY.test(text)) throw new TypeError(`a quantity such as 0x1f was expected, not ${JSON.stringify(text)}`);
  return BigInt(text);
}

/** A number as a quantity. */
export function toQuantity(value: number | bigint): Hex {
  return `0x${value.toString(16)}`;
}

const WORD_DIGITS = 64;

/** A number as a word of 32 bytes, as topics hold it. */
export function toWord(value: number | bigint | Hex): Hex {
  return `0x${BigInt(value).toString(16).padStart(WORD_DIGITS, "0")}`;
}

/** Whether this is 0x and as many bytes in hexadecimal. */
export function isHexOf(bytes: number, text: string): text is Hex {
  return text.length === 2 + 2 * bytes && /^0x[0-9a-f]*$/i.test(text);
}

/** Whether two addresses or hashes are the same, whatever the case of their letters. */
export function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
