/**
 * A user signs up at two imaginary clouds with one code: the service of `examples/signup`, as a cloud would run it, with its own
 * database. The first gives an instance and redeems; the second is refused and says why. Needs the service's Python.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeKey, readQr, request, sign, verify } from "./acts";
import { goTo, needed, node, openBrowser, passport, shoot, visit } from "./world";

const STEP_MS = 30_000;
const python = needed("LEDGER_SIGNUP_PYTHON");
const root = resolve(import.meta.dirname, "../..");

let browser: Browser;
let page: Page;
let folder = "";
const services: ChildProcess[] = [];

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === "string") throw new Error("no port could be had");
  return address.port;
}

/** Starts a cloud's service; gives its address once it answers. */
async function open(cloud: string, account: number): Promise<string> {
  const port = await freePort();
  const place = `127.0.0.1:${port}`;
  const database = join(folder, `${port}.db`);
  const options = [
    "--cloud",
    cloud,
    "--dev-account",
    `${account}`,
    "--rpc",
    node,
    "--listen",
    place,
    "--database",
    database,
  ];
  const paths = [join(root, "examples/signup"), join(root, "clients/python/src")].join(delimiter);
  const service = spawn(python, ["-m", "signup", ...options, "--capacity", "small=10"], {
    env: { ...process.env, PYTHONPATH: paths, PYTHONDONTWRITEBYTECODE: "1" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  services.push(service);
  const address = `http://${place}`;
  const answers = () =>
    fetch(address).then(
      ({ ok }) => ok,
      () => false,
    );
  await expect.poll(answers, { timeout: STEP_MS, interval: 200 }).toBe(true);
  return address;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ledger-signup-"));
  await passport(["offer", "set", "small", "100", "--dev-account", "1"]);
  await passport(["offer", "set", "small", "100", "--dev-account", "3"]);
  browser = await openBrowser();
  page = (await visit(browser)).page;
  page.setDefaultTimeout(STEP_MS);
});

afterAll(async () => {
  await browser?.close();
  for (const service of services) {
    service.kill("SIGTERM");
    if (service.exitCode === null) await once(service, "exit");
  }
  await rm(folder, { recursive: true, force: true });
});

/** Begins a sign-up in a tab of its own; gives the tab and what the consent has to be about. */
async function begin(address: string, code: string): Promise<{ tab: Page; reference: string }> {
  const tab = await page.context().newPage();
  tab.setDefaultTimeout(STEP_MS);
  await tab.goto(`${address}/?code=${code}`);
  await tab.getByLabel("E-mail").fill("somebody@example.org");
  await tab.getByRole("button", { name: "Continue" }).click();
  return { tab, reference: await tab.locator("#reference").innerText() };
}

async function handIn(tab: Page, authorization: string): Promise<void> {
  await tab.getByLabel("or text").fill(authorization);
  await tab.getByRole("button", { name: "Get the instance" }).click();
}

describe("a user with one code", () => {
  it("gets an instance at one cloud, is refused at another, and is rewarded", async () => {
    const [aurora, borealis] = await Promise.all([open("Aurora Cloud", 1), open("Borealis Cloud", 3)]);
    await goTo(page, "");
    await makeKey(page);
    const code = await request(page);
    const shown = (await readQr(page, "Aurora Cloud")).split("/").at(-1) ?? "";
    expect(shown).toBe(code);

    // Both sign-ups begin while the code is good; the user signs for each.
    const [first, second] = [await begin(aurora, shown), await begin(borealis, shown)];
    await goTo(page, `code/${code}`);
    const consent = await sign(page, "Aurora Cloud", first.reference);
    const other = await sign(page, "Borealis Cloud", second.reference);

    await handIn(first.tab, consent);
    await first.tab.getByRole("heading", { name: "Welcome" }).waitFor();
    expect(await first.tab.locator("#instance").innerText()).not.toBe("");
    await shoot(first.tab, "signup-welcome-desktop-light");

    await handIn(second.tab, other);
    await expect.poll(() => second.tab.getByRole("alert").innerText(), { timeout: STEP_MS }).toContain("Aurora Cloud");
    await shoot(second.tab, "signup-refused-desktop-light");

    expect(await page.locator('[data-step="Redeemed"]').innerText()).toContain("Aurora Cloud gave the instance");
    await goTo(page, "");
    await expect.poll(() => page.getByTestId("balance").innerText(), { timeout: STEP_MS }).toMatch(/^1\s/);
    expect(await verify(page, code, "Borealis Cloud", other)).toContain("Used already");
  });
});
