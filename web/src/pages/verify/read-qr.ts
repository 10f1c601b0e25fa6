/** The text of a QR code in a picture; `undefined` if there is none. By what the browser brings, else by a library that is fetched then. */

export type Picture = HTMLVideoElement | ImageBitmap;

/** Longest side that the library looks at, in pixels: a larger picture costs time and shows no more. */
const SIDE_PIXELS_MAX = 1280;

/** The format of the Shape Detection API that is looked for. */
const FORMAT = "qr_code";

/** `BarcodeDetector` as the Shape Detection API has it, as far as it is used. */
export interface Detector {
  detect(picture: ImageBitmapSource): Promise<readonly { readonly rawValue: string }[]>;
}
export interface DetectorClass {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats(): Promise<readonly string[]>;
}

/** Reads a picture with what this browser has. */
export function readQr(picture: Picture): Promise<string | undefined> {
  const { BarcodeDetector } = globalThis as { BarcodeDetector?: DetectorClass };
  return readWith(BarcodeDetector, readByLibrary, picture);
}

/** Reads with the browser's detector. Where it is missing, or says that it can and then cannot, the library reads. */
export async function readWith<P extends ImageBitmapSource>(
  detectorClass: DetectorClass | undefined,
  library: (picture: P) => Promise<string | undefined>,
  picture: P,
): Promise<string | undefined> {
  const found = detectorClass && (await detect(detectorClass, picture).catch(() => undefined));
  return found ? found[0]?.rawValue : library(picture);
}

/** What the detector finds; `undefined` if it does not know QR codes. */
async function detect(detectorClass: DetectorClass, picture: ImageBitmapSource) {
  // A browser may have the class without the service of its system that does the work: each of these steps may fail.
  const formats = await detectorClass.getSupportedFormats();
  return formats.includes(FORMAT) ? new detectorClass({ formats: [FORMAT] }).detect(picture) : undefined;
}

async function readByLibrary(picture: Picture): Promise<string | undefined> {
  const { default: decodeQR } = await import("qr/decode.js");
  try {
    return decodeQR(pixels(picture));
  } catch {
    return undefined;
  }
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
