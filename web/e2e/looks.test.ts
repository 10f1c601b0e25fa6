/** Every page in every size and light: nothing serious for whoever uses a screen reader or a keyboard, and soon usable. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inspect, settled } from "./looks";
import { goTo, node, openBrowser, passport, SCHEMES, SIZES, type Size, visit } from "./world";

/** Longest that the first page takes until it can be used, on this machine. */
const USABLE_WITHIN_MS = 1_000;
/** One of so many tries has to be in time: the machine runs a network, and other tests, beside the browser. */
const TRIES = 10;

let browser: Browser;
let pages: readonly (readonly [name: string, path: string])[] = [];

beforeAll(async () => {
  browser = await openBrowser();
  await passport(["offer", "set", "small", "1000", "--dev-account", "1"]);
  const code = JSON.parse((await passport(["request", "small", "--dev-account", "9", "--json"])).out);
  pages = [
    ["passport", ""],
    ["verify", `verify/${code.passportCode}`],
    ["network", "network"],
    ["code", `code/${code.passportCode}`],
    ["transaction", `transaction/${code.transaction}`],
    ["block", `block/${Number(code.blockNumber)}`],
    ["account", `account/${code.holder}`],
    ["nowhere", "nothing/here"],
  ];
});

afterAll(async () => {
  await browser?.close();
});

describe.each(Object.keys(SIZES) as Size[])("on a %s", (size) => {
  it.each(SCHEMES)("no page has a serious fault in the %s", async (scheme) => {
    const { page, context, complaints } = await visit(browser, size, scheme);
    for (const [name, path] of pages) {
      await goTo(page, path);
      await settled(page);
      await inspect(page, `${name}-${size}-${scheme}`);
    }
    expect(complaints).toEqual([]);
    await context.close();
  });
});

describe("the first page", () => {
  it("can be used soon", async () => {
    const times: number[] = [];
    const isInTime = () => times.some((time) => time < USABLE_WITHIN_MS);
    while (times.length < TRIES && !isInTime()) {
      const { page, context } = await visit(browser);
      const started = performance.now();
      await page.goto(`${node}/`);
      await page.getByRole("button", { name: "Make a key in this browser" }).waitFor();
      await page.getByRole("article", { name: "Spec small" }).waitFor();
      times.push(Math.round(performance.now() - started));
      await context.close();
    }
    process.stdout.write(`first page usable after ${times.join(", ")} ms\n`);
    expect(isInTime(), `within ${USABLE_WITHIN_MS} ms: ${times.join(", ")} ms`).toBe(true);
  });

  it("can be used by keyboard alone", async () => {
    const { page, context } = await visit(browser);
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");
    await goTo(page, "");
    await page.keyboard.press("Tab");
    expect(await focused()).toContain("Skip to the page");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    expect(await focused()).toContain("Make a key in this browser");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await context.close();
  });
});
