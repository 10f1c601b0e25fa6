/** Every page in every size and light: nothing serious for whoever uses a screen reader or a keyboard, and soon usable. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goTo, node, openBrowser, passport, SCHEMES, SIZES, type Size, shoot, visit } from "./world";

/**
 * Longest that the first page takes until it can be used, at the best of a few tries. A machine at leisure needs a third of a second;
 * this one runs other tests and a network at the same time.
 */
const USABLE_WITHIN_MS = 3_000;
const TRIES = 5;

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: { target: string[] }[];
}

let browser: Browser;
let source = "";
let pages: readonly (readonly [name: string, path: string])[] = [];

beforeAll(async () => {
  browser = await openBrowser();
  source = await readFile(axe, "utf8");
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

/** What axe finds to be serious or worse. */
async function findings(page: Page): Promise<string[]> {
  // From outside of the page, so that its policy stays as it is.
  await page.evaluate(source);
  const found = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: Finding[] }> } };
    return (await axe.run()).violations;
  });
  const grave = found.filter(({ impact }) => impact === "serious" || impact === "critical");
  return grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
}

describe.each(Object.keys(SIZES) as Size[])("on a %s", (size) => {
  it.each(SCHEMES)("no page has a serious fault in the %s", async (scheme) => {
    const { page, context, complaints } = await visit(browser, size, scheme);
    for (const [name, path] of pages) {
      await goTo(page, path);
      await page.locator("main", { hasText: "Loading" }).waitFor({ state: "detached" });
      await page.waitForLoadState("networkidle");
      await shoot(page, `${name}-${size}-${scheme}`);
      expect(await findings(page), name).toEqual([]);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, `${name} is wider than the screen`).toBeLessThanOrEqual(0);
    }
    expect(complaints).toEqual([]);
    await context.close();
  });
});

describe("the first page", () => {
  it("can be used soon", async () => {
    const times: number[] = [];
    for (let tries = 0; tries < TRIES; tries += 1) {
      const { page, context } = await visit(browser);
      const started = performance.now();
      await page.goto(`${node}/`);
      await page.getByRole("button", { name: "Make a key in this browser" }).waitFor();
      await page.getByRole("article", { name: "Spec small" }).waitFor();
      times.push(Math.round(performance.now() - started));
      await context.close();
    }
    process.stdout.write(`first page usable after ${times.join(", ")} ms\n`);
    expect(Math.min(...times)).toBeLessThan(USABLE_WITHIN_MS);
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
