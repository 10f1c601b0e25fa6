import { describe, expect, it, vi } from "vitest";
import { type DetectorClass, readWith } from "../src/pages/verify/read-qr";

/** Stands in for a browser's `BarcodeDetector`, which no Chromium for Linux has: what the Shape Detection API lets it do. */
function detector(found: () => readonly { rawValue: string }[], formats = ["aztec", "qr_code"]): DetectorClass {
  return class {
    constructor({ formats: asked }: { formats: string[] }) {
      if (asked.length === 0 || asked.some((format) => !formats.includes(format)))
        throw new TypeError("no such format");
    }
    static async getSupportedFormats() {
      return formats;
    }
    async detect() {
      return found();
    }
  };
}

const picture = new Blob();
const read = async (detectorClass: DetectorClass | undefined) => {
  const library = vi.fn(async () => "by the library");
  return [await readWith(detectorClass, library, picture), library.mock.calls.length] as const;
};
const fails = (): never => {
  throw new DOMException("the service is not there", "NotSupportedError");
};

describe("a QR code", () => {
  it("is read by the browser's detector, and only by it", async () => {
    expect(await read(detector(() => [{ rawValue: "by the browser" }, { rawValue: "another" }]))).toEqual([
      "by the browser",
      0,
    ]);
    expect(await read(detector(() => []))).toEqual([undefined, 0]);
  });

  it("is read by the library where there is no detector, or it knows no QR codes, or fails", async () => {
    const failing = detector(() => []);
    const cases: readonly (readonly [string, DetectorClass | undefined])[] = [
      ["no detector", undefined],
      ["no formats at all", detector(() => [], [])],
      ["other formats", detector(() => [], ["ean_13"])],
      ["detect() rejects", detector(fails)],
      [
        "formats cannot be asked for",
        class extends failing {
          static override getSupportedFormats = async () => fails();
        },
      ],
      [
        "asking for formats throws",
        class extends failing {
          static override getSupportedFormats = fails;
        },
      ],
      [
        "the constructor throws",
        class extends failing {
          constructor() {
            super({ formats: ["qr_code"] });
            fails();
          }
        },
      ],
    ];
    for (const [name, detectorClass] of cases) expect(await read(detectorClass), name).toEqual(["by the library", 1]);
  });
});
