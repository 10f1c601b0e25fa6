/** The story of one promo code in a real browser, on a real network: asked for, shown, read back, used once, refused, rewarded. */
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeKey, PASSPHRASE, readQr, request, sign, verify } from "./acts";
import { bringWallet, WALLET_NAME } from "./wallet";
import { goTo, node, openBrowser, passport, shoot, type Visitor, visit, withFolder } from "./world";

const STEP_MS = 30_000;

let browser: Browser;
let user: Visitor;
let page: Page;
let code = "";
let transaction = "";

beforeAll(async () => {
  await passport(["offer", "set", "small", "1000", "--dev-account", "1"]);
  await passport(["offer", "set", "small", "500", "--dev-account", "3"]);
  browser = await openBrowser();
  user = await visit(browser);
  page = user.page;
  page.setDefaultTimeout(STEP_MS);
});

afterAll(async () => {
  await browser?.close();
});

const testId = (id: string) => page.getByTestId(id);

async function unlock(passphrase: string): Promise<void> {
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Passphrase").fill(passphrase);
  await dialog.getByRole("button", { name: "Unlock", exact: true }).click();
}

describe("a user", () => {
  it("makes a key in the browser, which other wallets can read", async () => {
    await goTo(page, "");
    await page.getByRole("button", { name: "Make a key in this browser" }).click();
    await page.getByLabel("Passphrase").fill("short");
    await page.getByRole("button", { name: "Make the key" }).click();
    await page.getByText("needs 8").waitFor();
    await page.getByRole("button", { name: "Close" }).click();
    const address = await makeKey(page);
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export the key file" }).click();
    const download = await downloading;
    await withFolder(async (folder) => {
      const [file, password] = [join(folder, "key.json"), join(folder, "password")];
      await download.saveAs(file);
      await chmod(file, 0o600);
      await writeFile(password, PASSPHRASE, { mode: 0o600 });
      const options = ["--wallet-dir", folder, "--password-file", password];
      await passport(["wallet", "import", file, "browser", ...options]);
      const { out } = await passport(["wallet", "show", "browser", "--json", ...options]);
      expect(JSON.parse(out).address.toLowerCase()).toBe(address?.toLowerCase());
      expect(await readFile(file, "utf8")).not.toContain(PASSPHRASE);
    });
  });

  it("asks for a code and watches it become final", async () => {
    code = await request(page);
    transaction = await testId("transaction-id").innerText();
    const step = (name: string) => page.locator(`[data-step="${name}"]`);
    await page.locator('[data-step="Final"][data-state="done"]').waitFor();
    expect(await step("Endorsed").innerText()).toMatch(/Cloud promised it for slot [\d,]+/);
    expect(await step("Checkpointed").innerText()).toMatch(/checkpoint|anchors nothing/i);
    expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-)+[0-9A-HJKMNP-TV-Z]{4}$/);
    const { out } = await passport(["code", code, "--json"]);
    expect(JSON.parse(out).transaction).toBe(transaction);
    await testId("my-codes").getByText(code).waitFor();
    await shoot(page, "passport-code-desktop-light");
  });
});

describe("a cloud", () => {
  it("reads the QR code back from a picture of it", async () => {
    expect(await readQr(page, "Aurora Cloud")).toBe(`${node}/#/code/${code}`);
    expect(await testId("verdict").getAttribute("data-verdict")).toBe("valid");
    expect(await testId("verdict").innerText()).toContain("must sign for Aurora Cloud");
  });

  it("is told of a typing error before anybody is asked", async () => {
    const typo = `${code.slice(0, -1)}${code.endsWith("0") ? "1" : "0"}`;
    await page.getByLabel("Code", { exact: true }).fill(typo);
    await page.getByRole("button", { name: "Verify" }).click();
    expect(await page.getByRole("alert").innerText()).toContain("typing error");
  });

  it("redeems once, with the user's signature for it; another is refused with the reason", async () => {
    await goTo(page, `code/${code}`);
    const [first, second] = [
      await sign(page, "Aurora Cloud", "sign-up-17"),
      await sign(page, "Borealis Cloud", "sign-up-18"),
    ];
    expect(await verify(page, transaction, "Aurora Cloud", first)).toContain("you can redeem it");
    await shoot(page, "verify-good-desktop-light");
    expect(await verify(page, code.toLowerCase(), "Borealis Cloud", first)).toContain("not for you yet");
    await withFolder(async (folder) => {
      const [ours, theirs] = [join(folder, "first.json"), join(folder, "second.json")];
      await Promise.all([writeFile(ours, first), writeFile(theirs, second)]);
      await passport(["redeem", code, "--authorization", ours, "--dev-account", "1"]);
      await passport(["redeem", code, "--authorization", theirs, "--dev-account", "3"], 4);
    });
    const refused = await verify(page, code, "Borealis Cloud", second);
    expect(refused).toContain("Used already");
    expect(refused).toContain("Aurora Cloud confirmed its use");
    await shoot(page, "verify-used-desktop-light");
  });
});

describe("the user afterwards", () => {
  it("unlocks the key again, and has been rewarded", async () => {
    await goTo(page, "");
    await page.getByRole("button", { name: "Unlock" }).click();
    await unlock("another passphrase");
    await page.getByText("does not open this key").waitFor();
    await unlock(PASSPHRASE);
    await testId("address").waitFor();
    await expect.poll(() => testId("balance").innerText(), { timeout: STEP_MS }).toMatch(/^1\s/);
    await expect.poll(() => testId("my-codes").innerText(), { timeout: STEP_MS }).toContain("Aurora Cloud,");
    await shoot(page, "passport-rewarded-desktop-light");
  });

  it("gives a code back", async () => {
    await request(page);
    await page.getByRole("button", { name: "Give it back" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Give it back" }).click();
    await page.locator('[data-step="Given back"]').waitFor();
  });
});

describe("a user with a wallet of the browser", () => {
  it("connects it, asks for a code, signs, and passes the code on", async () => {
    const visitor = await visit(browser, "phone");
    const address = await bringWallet(visitor.context);
    page = visitor.page;
    page.setDefaultTimeout(STEP_MS);
    try {
      await goTo(page, "");
      await page.getByRole("button", { name: WALLET_NAME }).click();
      await testId("address").waitFor();
      expect(await testId("address").getAttribute("data-address")).toBe(address);
      const own = await request(page);
      const consent = await sign(page, "Borealis Cloud", "sign-up-19");
      await shoot(page, "passport-code-phone-light");
      await page.getByRole("button", { name: "Pass it on" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("New holder").fill("0x12");
      await dialog.getByRole("button", { name: "Pass it on" }).click();
      await dialog.getByText("40 hexadecimal digits").waitFor();
      await dialog.getByLabel("New holder").fill(`0x${"42".repeat(20)}`);
      await dialog.getByRole("button", { name: "Pass it on" }).click();
      await testId("my-codes").getByText("Passed on").waitFor();
      expect(await verify(page, own, "Borealis Cloud", consent)).toContain("not for you yet");
      expect(visitor.complaints).toEqual([]);
    } finally {
      page = user.page;
      await visitor.context.close();
    }
  });
});

describe("whoever looks something up", () => {
  it("finds codes, transactions, blocks and accounts by their ids", async () => {
    const found = JSON.parse((await passport(["code", code, "--json"])).out);
    const search = async (query: string, heading: RegExp) => {
      await page.getByRole("searchbox").fill(query);
      await page.getByRole("searchbox").press("Enter");
      await page.getByRole("heading", { level: 1, name: heading }).waitFor();
    };
    await search(code, /Promo code/);
    await search(`${Number(found.blockNumber)}`, /^Block/);
    await search(transaction, /Promo code/);
    await search(found.holder, /Account/);
    await page.getByText(code).first().waitFor();
    await search(found.ending.transaction, /Transaction/);
    await page.getByText("CodeRedeemed").waitFor();
    await search("nothing that exists", /Nothing found/);
  });

  it("meets no error of the browser, and no broken rule of the policy", () => {
    expect(user.complaints).toEqual([]);
  });
});
