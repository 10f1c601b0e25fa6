/** What the network page shows of checkpoints, on a network with a mainchain: signed, brought there, and believed. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goTo, openBrowser, passport, shoot, type Visitor, visit } from "./world";

/** A dozen blocks of the mainchain, and the blocks of this chain before that. */
const PATIENCE_MS = 100_000;

let browser: Browser;
let visitor: Visitor;

beforeAll(async () => {
  browser = await openBrowser();
  visitor = await visit(browser);
});

afterAll(async () => {
  await browser?.close();
});

/** A transaction, so that a block is due. */
let offered = 700;
async function work(): Promise<void> {
  offered += 1;
  await passport(["offer", "set", "medium", `${offered}`, "--dev-account", "1"]);
}

describe("checkpoints on the network page", () => {
  it("come onto the mainchain and are believed", async () => {
    const { page } = visitor;
    await goTo(page, "network");
    const card = page.getByTestId("checkpoints");
    const rows = card.locator("tbody tr");
    const states = () => rows.locator("td:nth-child(4)").allInnerTexts();
    const deadline = Date.now() + PATIENCE_MS;
    while (!(await states()).some((state) => /believed|final/.test(state)) && Date.now() < deadline) await work();
    expect(await states()).toEqual(expect.arrayContaining([expect.stringMatching(/believed|final/)]));
    expect(await card.innerText()).toContain("no checkpoint key");
    expect(await rows.last().locator("td").nth(4).innerText()).toBe("3, and 3 are needed");
    await shoot(page, "network-with-checkpoints-desktop-light");
    expect(visitor.complaints).toEqual([]);
  });
});
