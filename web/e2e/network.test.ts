/** What the network page shows while a validator is killed and comes back. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goTo, openBrowser, passport, shoot, testnet, type Visitor, visit } from "./world";

const VICTIM = "validator-3";
const VICTIMS_CLOUD = "Drift Cloud";
const PATIENCE_MS = 60_000;

let browser: Browser;
let visitor: Visitor;
let page: Page;
let isDown = false;

beforeAll(async () => {
  browser = await openBrowser();
  visitor = await visit(browser);
  page = visitor.page;
});

afterAll(async () => {
  if (isDown) await testnet("start-node", VICTIM);
  await browser?.close();
});

/** A transaction, so that a block is due. */
let offered = 700;
async function work(): Promise<void> {
  offered += 1;
  await passport(["offer", "set", "medium", `${offered}`, "--dev-account", "1"]);
}

/** SIGKILL to a node of the testnet. */
async function kill(name: string): Promise<void> {
  const { nodes } = JSON.parse((await testnet("status", "--json")).out) as { nodes: { name: string; pid: number }[] };
  const pid = nodes.find((node) => node.name === name)?.pid;
  if (!pid) throw new Error(`${name} does not run`);
  process.kill(pid, "SIGKILL");
  isDown = true;
}

const eventually = { timeout: PATIENCE_MS };
const victim = () => page.getByTestId("validators").locator("tr", { hasText: VICTIMS_CLOUD }).locator("td");
const seen = () => victim().nth(1).innerText();
const missed = async () => Number(await victim().nth(3).innerText());
const marks = (state: string) => page.locator(`.slot-row [data-state="${state}"]`).count();
const tone = () => page.getByTestId("alarms").getAttribute("data-tone");
const wheel = () => page.locator(".wheel").getAttribute("aria-label");

describe("the network page", () => {
  it("shows turns, blocks and peers as they come", async () => {
    await goTo(page, "network");
    await page.getByTestId("validators").waitFor();
    await work();
    await expect.poll(() => marks("block"), eventually).toBeGreaterThan(0);
    await expect.poll(tone, eventually).toBe("good");
    const turn = await wheel();
    await expect.poll(wheel, eventually).not.toBe(turn);
    expect(await page.getByTestId("peers").innerText()).toContain(VICTIMS_CLOUD);
  });

  it("shows that a validator is gone and misses its turns, and the chain goes on", async () => {
    await kill(VICTIM);
    await expect.poll(seen, eventually).toMatch(/not connected|silent/);
    await expect.poll(() => page.getByTestId("peers").innerText(), eventually).not.toContain(VICTIMS_CLOUD);
    const before = await missed();
    const deadline = Date.now() + PATIENCE_MS;
    while ((await missed()) === before && Date.now() < deadline) await work();
    expect(await missed()).toBeGreaterThan(before);
    await expect.poll(() => marks("missed"), eventually).toBeGreaterThan(0);
    await shoot(page, "network-without-a-validator-desktop-light");
  });

  it("shows that it is back", async () => {
    await testnet("start-node", VICTIM);
    isDown = false;
    await expect.poll(seen, eventually).toBe("connected");
    await work();
    await expect.poll(tone, eventually).toBe("good");
    expect(visitor.complaints).toEqual([]);
  });
});
