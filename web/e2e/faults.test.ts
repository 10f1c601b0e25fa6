/** What the user is told when the pages themselves fail. The node's answers are spoiled on their way, since no real one does that. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goTo, node, openBrowser, visit } from "./world";

let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
});

afterAll(async () => {
  await browser?.close();
});

interface Answer {
  readonly result?: { gasUsed?: string } | null;
}

/** Blocks say nonsense of their gas. */
async function spoilBlocks(page: Page): Promise<void> {
  await page.route(`${node}/`, async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    const response = await route.fetch();
    const answers = (await response.json()) as Answer[];
    for (const { result } of answers) if (result?.gasUsed) result.gasUsed = "nonsense";
    return route.fulfill({ response, json: answers });
  });
}

describe("a fault of the pages", () => {
  it("is told in place of the page that has it, and other pages go on", async () => {
    const { page, context } = await visit(browser);
    await spoilBlocks(page);
    await page.goto(`${node}/#/block/0`);
    const alert = page.getByRole("alert");
    await alert.getByText("This page has a fault").waitFor();
    expect(await alert.innerText()).toContain('not "nonsense"');
    expect(await alert.getByRole("button", { name: "Load the page again" }).isVisible()).toBe(true);
    await goTo(page, "verify");
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe("Is this code good?");
    expect(await alert.count()).toBe(0);
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await context.close();
  });

  it("is told where nobody waits for it, and can be put away", async () => {
    const { page, context } = await visit(browser);
    await page.routeWebSocket(/.*/, (socket) => {
      socket.connectToServer();
      socket.send("nonsense");
    });
    await goTo(page, "");
    const alert = page.getByRole("alert");
    await alert.getByText("Something on this page failed").waitFor();
    expect(await alert.innerText()).toContain("JSON");
    await alert.getByRole("button", { name: "Go on" }).click();
    await alert.waitFor({ state: "detached" });
    await context.close();
  });

  it("is told when a part of them does not come", async () => {
    const { page, context } = await visit(browser);
    await goTo(page, "");
    await page.route(/\/(assets|src)\//, (route) => route.abort());
    await page.getByRole("link", { name: "Verify" }).click();
    await page.getByRole("alert").getByText("could not be fetched").waitFor();
    await context.close();
  });
});
