/** What the pages show of a recovery, on a network that goes back to a checkpoint: its block, and the blocks and codes left behind. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inspect, settled } from "./looks";
import { goTo, ledgerNode, openBrowser, passport, SCHEMES, SIZES, type Size, type Visitor, visit } from "./world";

/** A dozen blocks of the mainchain, and the blocks of this chain before that. */
const PATIENCE_MS = 100_000;
/** Accounts of the first three validators, which are a quorum, in the test mnemonic. */
const QUORUM = ["0", "2", "4"];

interface Plan {
  readonly target: { readonly number: string };
  readonly last: string;
}

let browser: Browser;
const visitors: [name: string, Visitor][] = [];

beforeAll(async () => {
  browser = await openBrowser();
  for (const [at, size] of (Object.keys(SIZES) as Size[]).entries()) {
    const scheme = SCHEMES[at] ?? "light";
    visitors.push([`${size}-${scheme}`, await visit(browser, size, scheme)]);
  }
});

afterAll(async () => {
  await browser?.close();
});

/** A transaction, so that a block is due. */
let offered = 700;
async function work(): Promise<void> {
  offered += 1;
  await passport(["offer", "set", "small", `${offered}`, "--dev-account", "1"]);
}

/** What going back to the first checkpoint would leave behind, once that can be done. */
async function plan(): Promise<Plan> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const outcome = await ledgerNode(["recover", "plan", "1", "--json"], "any");
    if (outcome.code === 0) return JSON.parse(outcome.out);
    if (Date.now() > deadline) throw new Error(outcome.words);
    await work();
  }
}

interface Status {
  readonly proposals: readonly { readonly proposalId: string }[];
  readonly last: { readonly epoch: string; readonly recovery: { readonly number: string } } | null;
}

async function status(): Promise<Status> {
  return JSON.parse((await ledgerNode(["recover", "status", "--json"])).out);
}

/** The validators vote it, as on the network page. */
async function recover(): Promise<void> {
  await ledgerNode(["recover", "propose", "1", "--dev-account", "0"]);
  const [proposal] = (await status()).proposals;
  const id = String(Number(proposal?.proposalId));
  for (const [voted, account] of QUORUM.entries()) {
    await ledgerNode(["validator", "vote", id, "--dev-account", account]);
    if (voted > 0) continue;
    for (const [name, { page }] of visitors) {
      await goTo(page, "network");
      await page.getByTestId("proposals").getByText("1 of 3 votes needed").waitFor();
      await settled(page);
      await inspect(page, `network-proposal-${name}`);
    }
  }
  await ledgerNode(["validator", "execute", id, "--dev-account", "6"]);
}

describe("a recovery", () => {
  it("leaves a code behind, and every page that meets it says so", async () => {
    const { target } = await plan();
    const left = JSON.parse((await passport(["request", "small", "--dev-account", "17", "--json"])).out);
    const open = await visit(browser);
    await goTo(open.page, `code/${left.passportCode}`);
    await open.page.getByTestId("passport-code").waitFor();

    await recover();
    await expect.poll(async () => (await status()).last?.epoch, { timeout: PATIENCE_MS }).toBe("0x1");
    const recoveryBlock = Number((await status()).last?.recovery.number);

    // Whoever had the code's page open learns of it.
    await open.page.getByText("it is no code any more").waitFor();
    for (const [name, { page, complaints }] of visitors) {
      const look = async (path: string, says: RegExp | string, shot: string) => {
        await goTo(page, path);
        await page.locator("main").getByText(says).first().waitFor();
        await settled(page);
        await inspect(page, `${shot}-${name}`);
      };
      await look(`block/${recoveryBlock}`, "Recovery block.", "block-recovery");
      const notice = await page.getByRole("status").filter({ hasText: "Recovery block." }).innerText();
      expect(notice).toContain(`recovery 1 brought the chain back to the state of block ${Number(target.number)}`);
      expect(notice).toContain("checkpoint 1 anchors");
      expect(notice).toContain(`Blocks ${Number(target.number) + 1} to ${recoveryBlock - 1} were left behind`);
      const slot = await page.locator("dt", { hasText: "Slot" }).locator("xpath=following-sibling::dd[1]").innerText();
      expect(Number(slot.replaceAll(",", ""))).toBeGreaterThan(1_700_000_000);
      await look(`block/${Number(left.blockNumber)}`, "Left behind.", "block-left-behind");
      await look(`transaction/${left.transaction}`, "Left behind.", "transaction-left-behind");
      await look(`code/${left.transaction}`, "it is no code any more", "code-left-behind");
      await look(`code/${left.passportCode}`, "it is no code any more", "passport-code-left-behind");
      await look(`account/${left.holder}`, "It never held a code", "account-left-behind");
      await look("network", "block left behind by a recovery", "network-recovery");
      expect(await page.locator('.slot-row [data-state="recovery"]').count()).toBe(1);
      expect(await page.locator('.slot-row [data-state="left"]').count()).toBeGreaterThan(0);
      const blocks = await page.getByTestId("blocks").innerText();
      expect(blocks).toMatch(new RegExp(`${recoveryBlock}\\s+recovery`));
      expect(blocks).toContain("left behind");
      expect(complaints).toEqual([]);
    }
  });
});
