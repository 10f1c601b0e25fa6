/** Every page in every size and light: no fault for whoever uses a screen reader or a keyboard, and soon usable. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inspect, settled } from "./looks";
import { goTo, node, openBrowser, passport, SCHEMES, SIZES, type Size, visit } from "./world";

/** Longest that the first page takes until it can be used, on this machine. */
const USABLE_WITHIN_MS = 1_000;
/** One of so many tries has to be in time: the machine runs a network, and other tests, beside the browser. */
const TRIES = 10;
const STEP_MS = 30_000;
/** More than any page has places for the keyboard. */
const STOPS_MAX = 60;

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
  it.each(SCHEMES)("no page has a fault in the %s", async (scheme) => {
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
});

/** What the keyboard is at, as a screen reader would call it, and whether that can be seen. */
async function focused(page: Page): Promise<{ name: string; isSeen: boolean }> {
  return page.evaluate(() => {
    const at = document.activeElement as HTMLElement;
    const labelled = (at as HTMLInputElement).labels?.[0]?.textContent;
    const name = at.getAttribute("aria-label") ?? labelled ?? at.textContent ?? "";
    const { outlineStyle, outlineWidth } = getComputedStyle(at);
    const { top, bottom, width } = at.getBoundingClientRect();
    const isOnScreen = width > 0 && bottom > 0 && top < window.innerHeight;
    return { name: name.trim(), isSeen: isOnScreen && outlineStyle !== "none" && Number.parseFloat(outlineWidth) > 0 };
  });
}

describe("the keyboard alone", () => {
  it("goes through the first page in its order, and one sees where it is", async () => {
    const { page, context } = await visit(browser);
    await goTo(page, "");
    await page.getByRole("article", { name: "Spec small" }).waitFor();
    await settled(page);
    const stops: string[] = [];
    for (const _ of Array.from({ length: 9 })) {
      await page.keyboard.press("Tab");
      const { name, isSeen } = await focused(page);
      expect(isSeen, name).toBe(true);
      stops.push(name);
    }
    expect(stops).toEqual([
      "Skip to the page",
      "Cloud Ledger",
      "Passport",
      "Verify",
      "Network",
      "Search a code, transaction, block or account",
      expect.stringContaining("Block"),
      expect.stringContaining("Make a key in this browser"),
      "Use a key file",
    ]);
    await context.close();
  });

  it("makes a key, asks for a code and signs for a cloud", async () => {
    const { page, context } = await visit(browser);
    page.setDefaultTimeout(STEP_MS);
    const { keyboard } = page;
    /** Goes on to what is called so, and does it. */
    const press = async (name: RegExp, key = "Enter") => {
      for (let stops = 0; stops < STOPS_MAX; stops += 1) {
        await keyboard.press("Tab");
        const at = await focused(page);
        if (!name.test(at.name)) continue;
        expect(at.isSeen, at.name).toBe(true);
        return keyboard.press(key);
      }
      throw new Error(`the keyboard does not come to ${name}`);
    };
    await goTo(page, "");
    await page.getByRole("article", { name: "Spec small" }).waitFor();
    await keyboard.press("Tab");
    await keyboard.press("Enter");
    await press(/^Make a key in this browser/);
    await page.getByRole("dialog").waitFor();
    await keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    expect((await focused(page)).name).toContain("Make a key in this browser");
    await keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await press(/^Passphrase/, "End");
    await keyboard.type("a passphrase for the keyboard");
    await keyboard.press("Enter");
    await page.getByTestId("address").waitFor();
    expect((await focused(page)).name).toBe("Your wallet");
    await press(/^Get a code/);
    await page.getByTestId("passport-code").waitFor();
    await press(/^Sign for a cloud/);
    await page.getByRole("dialog").waitFor();
    await page.getByRole("option", { name: "Aurora Cloud" }).waitFor({ state: "attached" });
    await press(/^Cloud/, "ArrowDown");
    expect(await page.getByRole("combobox", { name: "Cloud" }).inputValue()).not.toBe("");
    await press(/^Sign-up reference/, "End");
    await keyboard.type("sign-up-31");
    await keyboard.press("Enter");
    await page.getByTestId("authorization").waitFor();
    await keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    await keyboard.press("Shift+Tab");
    expect((await focused(page)).isSeen).toBe(true);
    await context.close();
  });
});
