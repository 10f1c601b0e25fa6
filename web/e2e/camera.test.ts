/**
 * A cloud's clerk holds a user's QR code to the camera: Chromium's own stand-in for a camera plays a film of the code. Chromium is told
 * to have the Shape Detection API, and for Linux it has no service behind it, so that the library has to read. What is done where there
 * is one, `test/read-qr.test.ts` tests.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import encodeQR from "qr";
import { expect, it } from "vitest";
import { goTo, node, openBrowser, passport, shoot, visit, withFolder } from "./world";

const STEP_MS = 30_000;
const [WIDTH, HEIGHT] = [640, 480];
/** Pixels of a side of one module, and light modules around all, as standards ask for. */
const MODULE_PIXELS = 8;
const BORDER_MODULES = 4;
const FRAMES = 10;

/** A film (YUV4MPEG2) that shows the QR code of a text, a little off the middle, on a grey ground. */
function film(text: string): Buffer {
  const modules = encodeQR(text, "raw", { border: BORDER_MODULES });
  const luma = Buffer.alloc(WIDTH * HEIGHT, 128);
  const [left, top] = [150, 60];
  for (const [row, line] of modules.entries()) {
    for (const [column, dark] of line.entries()) {
      for (let y = 0; y < MODULE_PIXELS; y += 1) {
        const start = (top + row * MODULE_PIXELS + y) * WIDTH + left + column * MODULE_PIXELS;
        luma.fill(dark ? 16 : 235, start, start + MODULE_PIXELS);
      }
    }
  }
  const frame = Buffer.concat([Buffer.from("FRAME\n"), luma, Buffer.alloc((WIDTH * HEIGHT) / 2, 128)]);
  const header = Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F30:1 Ip A1:1 C420jpeg\n`);
  return Buffer.concat([header, ...Array.from({ length: FRAMES }, () => frame)]);
}

it("reads the code from the camera, asks about it, and says so where it may not look", async () => {
  await passport(["offer", "set", "small", "1000", "--dev-account", "1"]);
  const code = JSON.parse((await passport(["request", "small", "--dev-account", "7", "--json"])).out).passportCode;
  const address = `${node}/#/code/${code}`;
  await withFolder(async (folder) => {
    const file = join(folder, "camera.y4m");
    await writeFile(file, film(address));
    const browser = await openBrowser([
      "--enable-blink-features=ShapeDetection,BarcodeDetector",
      "--use-fake-device-for-media-stream",
      `--use-file-for-fake-video-capture=${file}`,
    ]);
    try {
      const { page, context, complaints } = await visit(browser, "phone");
      page.setDefaultTimeout(STEP_MS);
      await context.grantPermissions([], { origin: node });
      await goTo(page, "verify");
      const formats = page.evaluate(async () => {
        const { BarcodeDetector } = globalThis as { BarcodeDetector?: { getSupportedFormats(): Promise<string[]> } };
        return BarcodeDetector?.getSupportedFormats();
      });
      expect(await formats, "a detector without a service").toEqual([]);
      await page.getByLabel("Your cloud").selectOption({ label: "Aurora Cloud" });
      await page.getByRole("button", { name: "Scan" }).click();
      await page.getByText("The camera cannot be used").waitFor();
      await page.getByRole("button", { name: "Close" }).click();

      await context.grantPermissions(["camera"], { origin: node });
      await page.getByRole("button", { name: "Scan" }).click();
      await page.getByTestId("verdict").waitFor();
      expect(await page.getByLabel("Code", { exact: true }).inputValue()).toBe(address);
      expect(await page.getByTestId("verdict").getAttribute("data-verdict")).toBe("valid");
      expect(await page.getByRole("dialog").count()).toBe(0);
      await shoot(page, "verify-scanned-phone-light");
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
