/* The normaliser and the network, in WebAssembly: the C sources that run on boards, too. */

import { bytesOf, facts } from "./parts.js";

const AUTO = 0; // of `digits_ink`
/** The ink of `makeGlyph`, where it is known. */
export const DARK = 1;
const GLYPH_PIXELS = 28 * 28;
const WASM_PAGE = 65536; // bytes, in which memory grows

const { instance } = await WebAssembly.instantiate(bytesOf("page-webassembly"));
const c = instance.exports;
const model = bytesOf("page-model");
const modelAt = aligned(c.__heap_base.value);
const pixelsAt = aligned(modelAt + model.length);
reserve(pixelsAt);
memory(modelAt, model.length).set(model);
c.digits_load(modelAt, facts.layers);

/**
 * The glyph of a picture: 784 bytes, ink 255 on 0; null for a blank one. `readPixels` writes the picture's red, green,
 * blue and alpha into an array of bytes. Raises a RangeError where memory does not suffice.
 */
export function makeGlyph(width, height, readPixels, ink = AUTO) {
  const count = width * height;
  reserve(pixelsAt + 4 * count);
  readPixels(memory(pixelsAt, 4 * count));
  c.digits_make_grey(pixelsAt, count);
  const isFound = c.digits_make_glyph(pixelsAt, width, height, ink);
  return isFound ? memory(c.digits_glyph.value, GLYPH_PIXELS).slice() : null;
}

/** The quantized logits of a glyph, int8. */
export function run(glyph) {
  const glyphAt = c.digits_glyph.value;
  memory(glyphAt, GLYPH_PIXELS).set(glyph);
  c.digits_run(glyphAt, c.digits_logits.value);
  return new Int8Array(c.memory.buffer, c.digits_logits.value, facts.card.labels.length).slice();
}

// A view ends when memory grows, so that none is kept.
function memory(start, length) {
  return new Uint8Array(c.memory.buffer, start, length);
}

function reserve(end) {
  const missing = end - c.memory.buffer.byteLength;
  if (missing > 0) c.memory.grow(Math.ceil(missing / WASM_PAGE));
}

function aligned(address) {
  return Math.ceil(address / 16) * 16;
}
