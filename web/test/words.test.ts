import { describe, expect, it } from "vitest";
import { isOurs } from "../src/errors";
import { link, parseRoute } from "../src/route";
import {
  brief,
  count,
  duration,
  gibibytes,
  milliseconds,
  plural,
  relative,
  sentence,
  shortened,
  tokens,
  tokenWords,
} from "../src/words";

describe("words", () => {
  it("say times in their two largest units", () => {
    for (const [seconds, words] of [
      [0, "0 seconds"],
      [1, "1 second"],
      [61, "1 minute 1 second"],
      [3_600, "1 hour"],
      [90_000, "1 day 1 hour"],
      [86_461, "1 day"],
      [-5, "0 seconds"],
    ] as const) {
      expect(duration(seconds)).toBe(words);
    }
    expect([brief(-1), brief(59), brief(150), brief(7_300), brief(190_000)]).toEqual([
      "0\u00a0s",
      "59\u00a0s",
      "2\u00a0min",
      "2\u00a0h",
      "2\u00a0d",
    ]);
    expect([relative(100, 100), relative(160, 100), relative(40, 100)]).toEqual(["now", "in 1 minute", "1 minute ago"]);
    expect([milliseconds(612.4), milliseconds(1_250), milliseconds(12_600)]).toEqual([
      "612\u00a0ms",
      "1.3\u00a0s",
      "13\u00a0s",
    ]);
  });

  it("say amounts", () => {
    expect([count(1234567), plural(1, "code"), plural(2, "code")]).toEqual(["1,234,567", "1 code", "2 codes"]);
    expect([tokens(10n ** 18n), tokens(15n * 10n ** 17n), tokens(1n), tokens(0n)]).toEqual(["1", "1.5", "0", "0"]);
    expect([tokenWords(10n ** 18n), tokenWords(0n)]).toEqual(["1 passport token", "0 passport tokens"]);
    expect(sentence(`good, 3600 s left; held by 0x${"aB".repeat(20)}`)).toBe(
      "Good, 1 hour left; held by 0xaBaBaB…aBaBaB.",
    );
    expect([gibibytes(2), gibibytes(2048), gibibytes(0.5)]).toEqual(["2\u00a0GiB", "2\u00a0TiB", "0.5\u00a0GiB"]);
    expect([shortened("0x1234"), shortened(`0x${"ab".repeat(20)}`)]).toEqual(["0x1234", "0xababab…ababab"]);
  });
});

describe("addresses of pages", () => {
  it("lead where they came from", () => {
    for (const [hash, route] of [
      ["", { page: "passport" }],
      ["#/verify/03A0-0ADE", { page: "verify", code: "03A0-0ADE" }],
      ["#/network", { page: "network" }],
      ["#/block/7", { page: "block", id: "7" }],
      ["#/block/", { page: "nowhere", path: "block/" }],
      ["#/nothing/x", { page: "nowhere", path: "nothing/x" }],
    ] as const) {
      expect(parseRoute(hash), hash).toEqual(route);
    }
    expect(parseRoute(link("search", "a/b?c#d é"))).toEqual({ page: "search", query: "a/b?c#d é" });
    expect(parseRoute("#/search/%zz")).toEqual({ page: "search", query: "%zz" });
  });
});

describe("an error that nobody caught", () => {
  const from = (...frames: string[]) => {
    const error = new Error("failed");
    error.stack = ["Error: failed", ...frames.map((frame) => `    at run (${frame}:1:2)`)].join("\n");
    return error;
  };
  const origin = "http://127.0.0.1:8545";

  it("is the pages' own, or that of an extension of the browser", () => {
    expect(isOurs(from(`${origin}/assets/index.js`), origin)).toBe(true);
    expect(isOurs(from(`${origin}/assets/index.js`, "chrome-extension://abc/inpage.js"), origin)).toBe(true);
    for (const other of [
      from("chrome-extension://abc/inpage.js", `${origin}/assets/index.js`),
      from("moz-extension://abc/inpage.js"),
      from(`${origin}9/assets/index.js`),
      from(),
      "text",
      undefined,
    ]) {
      expect(isOurs(other, origin)).toBe(false);
    }
  });
});
