/* Drawing a glyph. */

/** Draw a glyph of 784 bytes, or nothing, on a canvas of 28x28, as the network sees it. */
export function drawGlyph(canvas, glyph) {
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!glyph) return;
  const pixels = context.createImageData(28, 28);
  glyph.forEach((ink, index) => pixels.data.set([ink, ink, ink, 255], 4 * index));
  context.putImageData(pixels, 0, 0);
}
