/** Is what a page shows fit for everybody? By what axe finds, and by whether it fits on the screen. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { shoot } from "./world";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Faults of less weight are matters of taste. */
const GRAVE = ["moderate", "serious", "critical"];

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: { target: string[] }[];
}

/** What axe finds to be moderate or worse. */
async function findings(page: Page): Promise<string[]> {
  // From outside of the page, so that its policy stays as it is.
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: Finding[] }> } };
    return (await axe.run()).violations;
  });
  const grave = found.filter(({ impact }) => GRAVE.includes(impact));
  return grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
}

/** What sticks out of its box at the right. */
async function cutOff(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const boxes = "main .card, main .document, main .notice, main .tile, dialog[open]";
    const isScrolled = (element: Element) => element.closest(".unseen, .scroll, pre, textarea, svg") !== null;
    const faults: string[] = [];
    for (const box of document.querySelectorAll(boxes)) {
      const edge = box.getBoundingClientRect().right + 1;
      for (const element of box.querySelectorAll("*")) {
        // A dialog lies over the card that it is in.
        if (isScrolled(element) || element.closest(boxes) !== box) continue;
        if (element.getBoundingClientRect().right > edge)
          faults.push(`${element.tagName} in ${box.className}: ${element.textContent?.slice(0, 60)}`);
      }
    }
    return faults;
  });
}

/** Waits until nothing is on its way to the page. */
export async function settled(page: Page): Promise<void> {
  await page.locator("main", { hasText: "Loading" }).waitFor({ state: "detached" });
  await page.waitForLoadState("networkidle");
}

/** Saves what it looks like, and expects it to be without fault. */
export async function inspect(page: Page, name: string): Promise<void> {
  await shoot(page, name);
  expect(await findings(page), name).toEqual([]);
  expect(await cutOff(page), name).toEqual([]);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overflow, `${name} is wider than the screen`).toBeLessThanOrEqual(0);
}
