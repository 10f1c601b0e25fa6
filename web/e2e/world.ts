/**
 * The world of the story: a real testnet that somebody started, its command line, and a browser. Where it is comes from the
 * environment; the test `pages` of the workspace's system tests sets it.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const run = promisify(execFile);

/** A setting that the test which starts the network makes. */
export function needed(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run the system test \`pages\`, which starts a network and sets it`);
  return value;
}

/** JSON-RPC of the full node whose pages are looked at. */
export const node = needed("LEDGER_RPC");
const binaries = needed("LEDGER_BIN");
const testnetFolder = needed("LEDGER_TESTNET");

/** Where screenshots go, if anybody wants them. */
const shots = process.env.LEDGER_SHOTS;
export const wantsShots = shots !== undefined;

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** As root and without a network beyond this machine, Chromium runs with these alone. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function openBrowser(more: readonly string[] = []): Promise<Browser> {
  const executablePath = CHROMIUM.find(existsSync);
  if (executablePath === undefined) throw new Error(`no Chromium at ${CHROMIUM.join(", ")}`);
  return chromium.launch({ executablePath, args: [...FLAGS, ...more] });
}

export const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } } as const;
export const SCHEMES = ["light", "dark"] as const;
export type Size = keyof typeof SIZES;
export type Scheme = (typeof SCHEMES)[number];

/** A page that remembers everything that the browser complained about. */
export interface Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly complaints: string[];
}

export async function visit(browser: Browser, size: Size = "desktop", scheme: Scheme = "light"): Promise<Visitor> {
  const context = await browser.newContext({
    viewport: SIZES[size],
    colorScheme: scheme,
    reducedMotion: "reduce",
    deviceScaleFactor: size === "phone" ? 2 : 1,
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  return { context, page, complaints };
}

export async function goTo(page: Page, path: string): Promise<void> {
  await page.goto(`${node}/#/${path}`);
  await page.locator("main h1").first().waitFor();
}

/** Saves what the page looks like, if screenshots are wanted: all of it, or what a dialog leaves to be seen. */
export async function shoot(page: Page, name: string): Promise<void> {
  if (!shots) return;
  const window = page.viewportSize();
  const path = join(shots, `${name}.png`);
  if (window === null || (await page.getByRole("dialog").count()) > 0) {
    await page.screenshot({ path });
    return;
  }
  // What is fixed to the window's foot would lie over the middle of a picture that is taken in pieces.
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width: window.width, height: Math.max(window.height, height) });
  await page.screenshot({ path });
  await page.setViewportSize(window);
}

/** What a command came to. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly words: string;
}

async function command(binary: string, args: readonly string[]): Promise<Outcome> {
  try {
    const { stdout, stderr } = await run(join(binaries, binary), args);
    return { code: 0, out: stdout, words: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: number; stdout?: string; stderr?: string };
    return { code: code ?? -1, out: stdout ?? "", words: stderr ?? String(error) };
  }
}

/** The command of users and clouds, which has to end with this exit code. */
export async function passport(args: readonly string[], expected = 0): Promise<Outcome> {
  const outcome = await command("passport", [...args, "--rpc", node]);
  if (outcome.code !== expected) {
    throw new Error(`passport ${args.join(" ")} ended with ${outcome.code}: ${outcome.words}`);
  }
  return outcome;
}

/** A command of operators that asks the node, which has to end with this exit code. */
export async function ledgerNode(args: readonly string[], expected: number | "any" = 0): Promise<Outcome> {
  const outcome = await command("ledger-node", [...args, "--rpc", node]);
  if (expected !== "any" && outcome.code !== expected) {
    throw new Error(`ledger-node ${args.join(" ")} ended with ${outcome.code}: ${outcome.words}`);
  }
  return outcome;
}

/** The command of the testnet's operator. */
export async function testnet(...args: readonly string[]): Promise<Outcome> {
  const outcome = await command("ledger-node", ["testnet", ...args, "--data-dir", testnetFolder]);
  if (outcome.code !== 0) throw new Error(`testnet ${args.join(" ")} ended with ${outcome.code}: ${outcome.words}`);
  return outcome;
}

/** Work in a folder that is removed at the end. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "ledger-pages-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
