/* From an image file to a glyph. The browser decodes, and turns a photograph upright; nothing is scaled on the way. */

import { makeGlyph } from "./engine.js";

const MAX_PIXELS = 100_000_000; // as `classify` has it
const STRIP_PIXELS = 1 << 22; // of one canvas; phones have small ones
const AS_STORED = { colorSpaceConversion: "none", premultiplyAlpha: "none" };

/** An image that cannot be read; its message says why. */
export class Unreadable extends Error {}

/** The bitmap of an image file. Its owner closes it. */
export async function decode(file) {
  if (file.size === 0) throw new Unreadable("empty file");
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, AS_STORED);
  } catch {
    throw new Unreadable("no image that this browser can read");
  }
  if (bitmap.width * bitmap.height <= MAX_PIXELS) return bitmap;
  const { width, height } = bitmap;
  bitmap.close();
  throw new Unreadable(`too large: ${width}x${height} pixels`);
}

/** The glyph of a bitmap or a canvas; null for a blank one. */
export function glyphOf(picture, ink) {
  const { width, height } = picture;
  try {
    return makeGlyph(width, height, (bytes) => readPixels(picture, bytes), ink);
  } catch (fault) {
    if (fault instanceof RangeError) throw new Unreadable("too large for the memory of this browser");
    throw fault;
  }
}

const strip = document.createElement("canvas");

function readPixels(picture, bytes) {
  const { width, height } = picture;
  const rows = Math.min(height, Math.max(1, Math.floor(STRIP_PIXELS / width)));
  Object.assign(strip, { width, height: rows });
  const context = strip.getContext("2d", { willReadFrequently: true });
  for (let top = 0; top < height; top += rows) {
    const taken = Math.min(rows, height - top);
    context.clearRect(0, 0, width, rows);
    context.drawImage(picture, 0, top, width, taken, 0, 0, width, taken);
    bytes.set(context.getImageData(0, 0, width, taken).data, 4 * top * width);
  }
}
