/* Making elements. Text from outside goes in as text, so markup in a file name stays what it is: a name. */

/** The element of this id. */
export const byId = (id) => document.getElementById(id);

/** An element with a class, and texts or elements in it. */
export function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** Draw a glyph of 784 bytes, or nothing, on a canvas of 28x28, as the network sees it. */
export function drawGlyph(canvas, glyph) {
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!glyph) return;
  const pixels = context.createImageData(28, 28);
  glyph.forEach((ink, index) => pixels.data.set([ink, ink, ink, 255], 4 * index));
  context.putImageData(pixels, 0, 0);
}
