/** What people do on the pages, in the order of their story. */
import type { Page } from "playwright-core";
import { goTo } from "./world";

export const PASSPHRASE = "a passphrase for the test";

/** Makes a key on the passport page; gives its address. */
export async function makeKey(page: Page): Promise<string | null> {
  await page.getByRole("button", { name: "Make a key in this browser" }).click();
  await page.getByLabel("Passphrase").fill(PASSPHRASE);
  await page.getByRole("button", { name: "Make the key" }).click();
  await page.getByTestId("address").waitFor();
  return page.getByTestId("address").getAttribute("data-address");
}

/** Asks for a small instance and waits until the code is there. */
export async function request(page: Page): Promise<string> {
  const spec = page.getByRole("article", { name: "Spec small" });
  await spec.getByRole("button", { name: "Get a code" }).click();
  await page.getByTestId("passport-code").waitFor();
  return page.getByTestId("passport-code").innerText();
}

/** Signs for a cloud on the code's page; gives the authorization. */
export async function sign(page: Page, cloud: string, reference: string): Promise<string> {
  await page.getByRole("button", { name: "Sign for a cloud" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Cloud").selectOption({ label: cloud });
  await dialog.getByLabel("Sign-up reference").fill(reference);
  await dialog.getByRole("button", { name: "Sign", exact: true }).click();
  const text = await page.getByTestId("authorization").innerText();
  await page.getByRole("button", { name: "Close" }).click();
  return text;
}

/** Asks the verify page; gives what it says. */
export async function verify(page: Page, what: string, cloud: string, authorization = ""): Promise<string> {
  await page.goto("about:blank");
  await goTo(page, "verify");
  await page.getByLabel("Code", { exact: true }).fill(what);
  await page.getByLabel("Your cloud").selectOption({ label: cloud });
  if (authorization !== "") {
    await page.getByText("The user's authorization").click();
    await page.getByLabel("Authorization", { exact: true }).fill(authorization);
  }
  await page.getByRole("button", { name: "Verify" }).click();
  await page.getByTestId("verdict").waitFor();
  return page.getByTestId("verdict").innerText();
}

/** Reads the QR code that the page shows from a picture of it, on the verify page; gives the address in it. */
export async function readQr(page: Page, cloud: string): Promise<string> {
  const picture = await page.getByRole("img", { name: /QR code/ }).screenshot();
  await goTo(page, "verify");
  await page.getByLabel("Your cloud").selectOption({ label: cloud });
  await page.getByLabel("Read a picture").setInputFiles({ name: "qr.png", mimeType: "image/png", buffer: picture });
  await page.getByTestId("verdict").waitFor();
  return page.getByLabel("Code", { exact: true }).inputValue();
}
