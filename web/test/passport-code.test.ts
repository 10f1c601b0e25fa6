import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CODE_INDEX_MAX, CodeError, formatPassportCode, parsePassportCode } from "../src/chain/passport-code";

/** The golden codes of the Rust side, so that the two cannot part. */
const golden = readFileSync(new URL("../../chainspec/tests/it/golden/codes.txt", import.meta.url), "utf8")
  .trim()
  .split("\n");
const GOLDEN: readonly (readonly [bigint, number])[] = [
  [1n, 0],
  [106n, 10],
  [32_767n, CODE_INDEX_MAX],
  [32_768n, 0],
  [(1n << 64n) - 1n, CODE_INDEX_MAX],
];

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

function ruleBroken(text: string): string {
  try {
    parsePassportCode(text);
    return "none";
  } catch (error) {
    return error instanceof CodeError ? error.rule : "another error";
  }
}

describe("passport codes", () => {
  it("are written as the Rust side writes them", () => {
    expect(golden).toHaveLength(GOLDEN.length);
    for (const [at, [block, index]] of GOLDEN.entries()) {
      expect(formatPassportCode({ block, index })).toBe(golden[at]);
      expect(parsePassportCode(golden[at] ?? "")).toEqual({ block, index });
    }
    expect(formatPassportCode({ block: 0n, index: 0 })).toBe("0000-0000");
  });

  it("may be written in people's own ways", () => {
    const code = { block: 1024n, index: 33 };
    const text = formatPassportCode(code);
    const ways = [
      text.toLowerCase(),
      text.replaceAll("-", ""),
      text.replaceAll("-", " "),
      text.replaceAll("0", "O"),
      text.replaceAll("0", "o"),
      text.replaceAll("1", "I"),
      text.replaceAll("1", "l"),
      `  ${text} `,
    ];
    for (const way of ways) expect(parsePassportCode(way), way).toEqual(code);
  });

  it("say what is wrong with them", () => {
    for (const [text, rule] of [
      ["", "length"],
      ["0000-000", "length"],
      ["0".repeat(24), "length"],
      ["0".repeat(2000), "length"],
      ["0000-00U0", "symbol"],
      ["0000-00é0", "symbol"],
      ["0000-00ı0", "symbol"],
      ["💥💥💥💥", "symbol"],
      ["0000-0001", "check"],
      ["0000-0010-00ZY", "canonical"],
    ] as const) {
      expect(ruleBroken(text), text).toBe(rule);
    }
    expect(() => parsePassportCode("0000-00U0")).toThrow(/character 8 .*"U"/);
  });

  it("show every wrong symbol and every swap", () => {
    for (const text of golden) {
      const places = [...text].flatMap((symbol, place) => (symbol === "-" ? [] : [place]));
      const changed = (changes: Record<number, string>) =>
        [...text].map((old, place) => changes[place] ?? old).join("");
      for (const place of places) {
        for (const other of ALPHABET) {
          if (other !== text[place]) expect(ruleBroken(changed({ [place]: other }))).toBe("check");
        }
        for (const second of places) {
          if (text[place] === text[second]) continue;
          const swapped = changed({ [place]: text[second] ?? "", [second]: text[place] ?? "" });
          expect(ruleBroken(swapped), swapped).toBe("check");
        }
      }
    }
  });
});
