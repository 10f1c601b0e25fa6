/** Facts as people say them: times, amounts, names. Pure: the time is an argument. */

const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** A duration in its two largest units: `2 days 3 hours`. */
export function duration(seconds: number): string {
  let left = Math.max(0, Math.floor(seconds));
  const words: string[] = [];
  for (const [name, size] of UNITS) {
    const count = Math.floor(left / size);
    if (count > 0 || (words.length === 0 && size === 1)) words.push(`${count} ${name}${count === 1 ? "" : "s"}`);
    else if (words.length > 0) break;
    left -= count * size;
    if (words.length === 2) break;
  }
  return words.join(" ");
}

/** A number and its unit, which stay on one line. */
function measure(value: number | string, unit: string): string {
  return `${value}\u00a0${unit}`;
}

const SYMBOLS: Readonly<Record<string, string>> = { day: "d", hour: "h", minute: "min", second: "s" };

/** A duration in its largest unit, by that unit's symbol: `2 d`. For where there is little room. */
export function brief(seconds: number): string {
  const [name, size] = UNITS.find(([, size]) => seconds >= size) ?? ["second", 1];
  return measure(Math.max(0, Math.floor(seconds / size)), SYMBOLS[name] ?? "");
}

/** How long ago, or in how long. */
export function relative(seconds: number, now: number): string {
  const left = seconds - now;
  if (Math.abs(left) < 2) return "now";
  return left > 0 ? `in ${duration(left)}` : `${duration(-left)} ago`;
}

/** Milliseconds, or seconds where there are many. */
export function milliseconds(value: number): string {
  if (value < 1_000) return measure(Math.round(value), "ms");
  return measure((value / 1_000).toFixed(value < 10_000 ? 1 : 0), "s");
}

/** A count with its thousands apart. */
export function count(value: number | bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** Memory or disk in the unit that people buy it in. */
export function gibibytes(gib: number): string {
  return gib >= 1024 && gib % 1024 === 0 ? measure(gib / 1024, "TiB") : measure(Number(gib.toFixed(1)), "GiB");
}

const TOKEN_DECIMALS = 18;

/** An amount of passport tokens, from the smallest unit. */
export function tokens(amount: bigint): string {
  const digits = amount.toString().padStart(TOKEN_DECIMALS + 1, "0");
  const whole = count(BigInt(digits.slice(0, -TOKEN_DECIMALS)));
  const fraction = digits.slice(-TOKEN_DECIMALS).slice(0, 4).replace(/0+$/, "");
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

/** What so many tokens are called. */
export function tokenName(amount: bigint): string {
  return amount === 10n ** BigInt(TOKEN_DECIMALS) ? "passport token" : "passport tokens";
}

/** As {@link tokens}, with the word. */
export function tokenWords(amount: bigint): string {
  return `${tokens(amount)} ${tokenName(amount)}`;
}

/** What a program says, for people: as a sentence, with durations and ids that can be read. */
export function sentence(words: string): string {
  const readable = words
    .replace(/\b(\d+) s\b/g, (_, seconds: string) => duration(Number(seconds)))
    .replace(/\b0x[0-9a-f]{20,}\b/gi, (id) => shortened(id));
  return `${readable.charAt(0).toUpperCase()}${readable.slice(1)}${/[.!?]$/.test(readable) ? "" : "."}`;
}

/** The ends of a long hash, address or peer id. */
export function shortened(text: string, ends = 6): string {
  return text.length <= 2 * ends + 3 ? text : `${text.slice(0, ends + 2)}…${text.slice(-ends)}`;
}

/** `1 code`, `2 codes`. */
export function plural(many: number, one: string, more = `${one}s`): string {
  return `${count(many)} ${many === 1 ? one : more}`;
}
