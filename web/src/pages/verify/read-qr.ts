/** The text of a QR code in a picture; `undefined` if there is none. */

export type Picture = HTMLVideoElement | ImageBitmap;

/** Longest side that is looked at, in pixels: a larger picture costs time and shows no more. */
const SIDE_PIXELS_MAX = 1280;

/** What browsers call the reader that they bring, where they bring one. */
interface Detector {
  detect(picture: ImageBitmapSource): Promise<{ rawValue: string }[]>;
}
type DetectorClass = (new (options: {
  formats: string[];
}) => Detector) & {
  getSupportedFormats(): Promise<string[]>;
};

export async function readQr(picture: Picture): Promise<string | undefined> {
  const detector = await ownDetector();
  // Where it says that it can and then cannot, as without the service that it stands on, the library reads.
  const found = await detector?.detect(picture).catch(() => undefined);
  if (found) return found[0]?.rawValue;
  const { default: decodeQR } = await import("qr/decode.js");
  try {
    return decodeQR(pixels(picture));
  } catch {
    return undefined;
  }
}

async function ownDetector(): Promise<Detector | undefined> {
  const found = (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector;
  if (!found) return undefined;
  const formats: string[] = await found.getSupportedFormats().catch(() => []);
  return formats.includes("qr_code") ? new found({ formats: ["qr_code"] }) : undefined;
}

function pixels(picture: Picture): ImageData {
  const [width, height] =
    picture instanceof HTMLVideoElement ? [picture.videoWidth, picture.videoHeight] : [picture.width, picture.height];
  const scale = Math.min(1, SIDE_PIXELS_MAX / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser has no canvas");
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
