/**
 * What the pages show when something has happened, in each size and each light: a key, a code and what can be done with it, each verdict,
 * ids that name nothing; then a network that cannot make blocks, and a node that does not answer.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { createWalletClient, defineChain, encodeFunctionData, http, parseAbi } from "viem";
import { mnemonicToAccount } from "viem/accounts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeKey, PASSPHRASE, request, sign, verify } from "./acts";
import { inspect, settled } from "./looks";
import {
  goTo,
  node,
  openBrowser,
  passport,
  SCHEMES,
  type Scheme,
  SIZES,
  type Size,
  testnet,
  type Visitor,
  visit,
  wantsShots,
  withFolder,
} from "./world";

const STEP_MS = 60_000;
const AURORA = "Aurora Cloud";
const BOREALIS = "Borealis Cloud";
/** Whoever is passed a code. */
const HEIR = `0x${"42".repeat(20)}`;
/** Nothing has this id. */
const UNKNOWN = `0x${"ab".repeat(32)}`;

/** A pair of size and light, with a browser's window of its own that the tests go on with. */
interface Look {
  readonly name: string;
  readonly visitor: Visitor;
  readonly page: Page;
}

let browser: Browser;
const looks: Look[] = [];
const stopped = new Set<string>();
/** Codes in each way that they can end, and what is none. */
const codes = { used: "", givenBack: "", passedOn: "", live: "", failed: "", other: "" };

/** The holder's authorization of the live code for Aurora Cloud. */
let consent = "";

interface Issued {
  readonly transaction: string;
  readonly passportCode: string;
}

async function issue(account: string): Promise<Issued> {
  return JSON.parse((await passport(["request", "small", "--dev-account", account, "--json"])).out);
}

/** A transaction that asks for a code of a spec that there is not. It fails, and is in a block all the same. */
async function failing(): Promise<string> {
  const { out } = await passport(["status", "--json"]);
  const id = Number(JSON.parse(out).chainId);
  const chain = defineChain({
    id,
    name: "testnet",
    nativeCurrency: { name: "None", symbol: "NONE", decimals: 18 },
    rpcUrls: { default: { http: [node] } },
  });
  const account = mnemonicToAccount("test test test test test test test test test test test junk", {
    addressIndex: 11,
  });
  const data = encodeFunctionData({ abi: parseAbi(["function requestCode(uint32)"]), args: [77] });
  const to = "0x0000000000000000000000000000000000001002";
  const free = { gas: 200_000n, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n };
  return createWalletClient({ account, chain, transport: http(node) }).sendTransaction({ to, data, ...free });
}

beforeAll(async () => {
  browser = await openBrowser();
  await passport(["offer", "set", "small", "1000", "--dev-account", "1"]);
  await passport(["offer", "set", "small", "500", "--dev-account", "3"]);
  const [used, givenBack, passedOn, live] = await Promise.all(["12", "13", "14", "15"].map(issue));
  if (!used || !givenBack || !passedOn || !live) throw new Error("four codes were asked for");
  const authorize = ["authorize", "--cloud", AURORA, "--reference", "sign-up-20"];
  consent = (await passport([...authorize, live.passportCode, "--dev-account", "15"])).out;
  await withFolder(async (folder) => {
    const file = join(folder, "consent.json");
    await writeFile(file, (await passport([...authorize, used.passportCode, "--dev-account", "12"])).out);
    await passport(["redeem", used.passportCode, "--authorization", file, "--dev-account", "1"]);
  });
  Object.assign(codes, {
    used: used.passportCode,
    givenBack: givenBack.passportCode,
    passedOn: passedOn.passportCode,
    live: live.passportCode,
    failed: await failing(),
  });
  const other = JSON.parse((await passport(["cancel", codes.givenBack, "--dev-account", "13", "--json"])).out);
  codes.other = other.transaction;
  await passport(["transfer", codes.passedOn, HEIR, "--dev-account", "14"]);
}, STEP_MS);

afterAll(async () => {
  for (const name of stopped) await testnet("start-node", name);
  await browser?.close();
});

async function look(size: Size, scheme: Scheme): Promise<Look> {
  const visitor = await visit(browser, size, scheme);
  visitor.page.setDefaultTimeout(STEP_MS);
  const own = { name: `${size}-${scheme}`, visitor, page: visitor.page };
  looks.push(own);
  return own;
}

async function unlock(page: Page, passphrase: string): Promise<void> {
  await page.getByRole("button", { name: "Unlock" }).click();
  await page.getByLabel("Passphrase").fill(passphrase);
  await page.keyboard.press("Enter");
}

/** Looks at the page as it is. */
async function see({ page, name }: Look, state: string): Promise<void> {
  await settled(page);
  await inspect(page, `${state}-${name}`);
}

/** No key, the ways to get one, and a key. */
async function theKey(own: Look): Promise<void> {
  const { page } = own;
  await goTo(page, "");
  await see(own, "passport-no-key");
  await page.getByRole("button", { name: "Use a key file" }).click();
  await see(own, "passport-key-file");
  await page.keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Make a key in this browser" }).click();
  await page.getByLabel("Passphrase").fill("short");
  await page.keyboard.press("Enter");
  await page.getByText("needs 8").waitFor();
  await see(own, "passport-make-key");
  await page.keyboard.press("Escape");
  await makeKey(page);
  await see(own, "passport-key");
}

/** A code, what its holder can do with it, and the codes of an account afterwards. */
async function theCode(own: Look): Promise<void> {
  const { page } = own;
  const close = () => page.keyboard.press("Escape");
  await request(page);
  await page.locator('[data-step="Final"][data-state="done"]').waitFor();
  await see(own, "passport-code");
  await page.getByRole("button", { name: "Sign for a cloud" }).click();
  await page.getByRole("button", { name: "Sign", exact: true }).click();
  await page.getByText("Choose the cloud").waitFor();
  await see(own, "code-sign");
  await close();
  await sign(page, AURORA, "sign-up-21");
  await page.getByRole("button", { name: "Pass it on" }).click();
  await page.getByLabel("New holder").fill("0x12");
  await page.keyboard.press("Enter");
  await page.getByText("40 hexadecimal digits").waitFor();
  await see(own, "code-pass-on");
  await close();
  await page.getByRole("button", { name: "Give it back" }).click();
  await see(own, "code-give-back");
  await page.getByRole("dialog").getByRole("button", { name: "Give it back" }).click();
  await page.locator('[data-step="Given back"]').waitFor();
  await see(own, "passport-given-back");
  await request(page);
  await page.locator('[data-step="Final"][data-state="done"]').waitFor();
  await goTo(page, "passport");
  await page.getByTestId("my-codes").getByText("Live").waitFor();
  await see(own, "passport-my-codes");
  await page.getByRole("button", { name: "Lock" }).click();
  await see(own, "passport-locked");
  await unlock(page, "another passphrase");
  await page.getByText("does not open this key").waitFor();
  await see(own, "passport-unlock");
  await page.keyboard.press("Escape");
}

/** Every verdict that a network comes to within minutes. */
async function theVerdicts(own: Look): Promise<void> {
  const { page } = own;
  await goTo(page, "verify");
  await page.getByRole("button", { name: "Verify" }).click();
  await see(own, "verify-nothing-given");
  const cases: readonly (readonly [name: string, what: string, says: string])[] = [
    ["not-for-you-yet", codes.live, "not for you yet"],
    ["used", codes.used, "Used already"],
    ["given-back", codes.givenBack, "Given back"],
    ["passed-on", codes.passedOn, "not for you yet"],
    ["unknown", UNKNOWN, "No such code"],
    ["failed", codes.failed, "Its request failed"],
    ["not-a-request", codes.other, "Not a code"],
  ];
  for (const [name, what, says] of cases) {
    expect(await verify(page, what, BOREALIS), name).toContain(says);
    await see(own, `verify-${name}`);
  }
  expect(await verify(page, codes.live, AURORA, consent), "with the user's consent").toContain("you can redeem it");
  await see(own, "verify-good");
}

/** Ids that name nothing, and the pages of codes that ended. */
async function theUnknown(own: Look): Promise<void> {
  const { page } = own;
  const places: readonly (readonly [name: string, path: string, says: RegExp | string])[] = [
    ["search-nothing", "search/nothing%20that%20exists", "Nothing on this chain"],
    ["block-unknown", "block/99999999", "no such block"],
    ["block-genesis", "block/0", "specification"],
    ["transaction-unknown", `transaction/${UNKNOWN}`, "No block that this node keeps"],
    ["transaction-failed", `transaction/${codes.failed}`, "Failed"],
    ["code-unknown", `code/${UNKNOWN}`, "No code with this id"],
    ["code-not-a-code", `code/${codes.failed}`, "it issued no code"],
    ["code-used", `code/${codes.used}`, "Aurora Cloud gave the instance"],
    ["account-of-nobody", `account/${HEIR}`, codes.passedOn],
    ["account-none", "account/0x12", "40 hexadecimal digits"],
    ["nowhere", "nothing/here", "leads nowhere"],
  ];
  for (const [name, path, says] of places) {
    await goTo(page, path);
    await page.locator("main").getByText(says).first().waitFor();
    await see(own, name);
  }
}

/** Each size and light comes once; where pictures are wanted, each pair does. */
const pairs = (Object.keys(SIZES) as Size[]).flatMap((size, at) =>
  SCHEMES.filter((_, light) => wantsShots || light === at).map((scheme) => [size, scheme] as const),
);

describe.each(pairs)("on a %s, in the %s", (size, scheme) => {
  it("each state is legible", async () => {
    const own = await look(size, scheme);
    await theKey(own);
    await theCode(own);
    await theVerdicts(own);
    await theUnknown(own);
    expect(own.visitor.complaints).toEqual([]);
  });
});

async function stop(name: string): Promise<void> {
  await testnet("stop-node", name);
  stopped.add(name);
}

describe("when a network has no quorum", () => {
  let waiting = "";

  it("requests wait, and it is said why", async () => {
    await stop("validator-2");
    await stop("validator-3");
    for (const own of looks) {
      const { page } = own;
      await goTo(page, "passport");
      await unlock(page, PASSPHRASE);
      await page.getByTestId("address").waitFor();
      await page.getByRole("article", { name: "Spec small" }).getByRole("button", { name: "Get a code" }).click();
      await page.getByRole("heading", { name: "The code is on its way" }).waitFor();
      await page.getByText("The network makes no blocks").waitFor();
      await see(own, "passport-on-its-way");
      waiting = (await page.getByTestId("promised").getAttribute("data-id")) ?? "";
      expect(await verify(page, waiting, AURORA)).toContain("Not in a block yet");
      await see(own, "verify-pending");
      await goTo(page, `transaction/${waiting}`);
      await page.getByText("Waits for its block").waitFor();
      await see(own, "transaction-pending");
      await goTo(page, "network");
      await page.locator('[data-testid="alarms"][data-tone="bad"]').waitFor();
      await see(own, "network-stalled");
    }
  });

  it("and a node that does not answer is named on every page that is open", async () => {
    const places = ["passport", "verify", "network", `transaction/${waiting}`];
    for (const [at, own] of looks.entries()) await goTo(own.page, places[at % places.length] ?? "");
    await stop("node-0");
    for (const own of looks) {
      await own.page.getByRole("alert").getByText("The node does not answer").waitFor();
      await inspect(own.page, `node-gone-${own.name}`);
    }
    // A page that was not fetched before cannot be, and a question is answered with words.
    const [first] = looks;
    if (first === undefined) throw new Error("nobody looks");
    await goTo(first.page, "passport");
    await goTo(first.page, `code/${codes.live}`);
    await first.page.getByText("does the network reach it").first().waitFor();
    await inspect(first.page, `code-node-gone-${first.name}`);
  });
});
