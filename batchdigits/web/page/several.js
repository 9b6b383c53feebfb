/* Whether a glyph looks like several digits, as batchdigits/vision/writing.py decides it. */

const SIDE = 28;
const GLYPH_INK = 64; // grey level over which a pixel is ink
const MAX_WIDTH_RATIO = 1.6; // of a digit, over its height
const MIN_DIGIT_SHARE = 0.25; // of the ink's longer side: the length of each of several digits

/** Whether a glyph is wide, or has several long components beside each other. */
export function showsSeveral(glyph) {
  const isInk = Array.from(glyph, (level) => level > GLYPH_INK);
  const boxes = [];
  for (let start = 0; start < isInk.length; start++) {
    if (isInk[start]) boxes.push(takeComponent(isInk, start));
  }
  if (boxes.length === 0) return false;
  const width = Math.max(...boxes.map((box) => box.right)) - Math.min(...boxes.map((box) => box.left));
  const height = Math.max(...boxes.map((box) => box.bottom)) - Math.min(...boxes.map((box) => box.top));
  if (width > MAX_WIDTH_RATIO * height) return true;
  const isLong = (box) =>
    Math.max(box.right - box.left, box.bottom - box.top) >= MIN_DIGIT_SHARE * Math.max(width, height);
  const long = boxes.filter(isLong);
  return long.some((box) => long.some((other) => box.left >= other.right));
}

// Erase a pixel's component, and give its box. Neighbours along the diagonal are connected.
function takeComponent(isInk, start) {
  const box = { left: SIDE, right: 0, top: SIDE, bottom: 0 };
  const open = [start];
  isInk[start] = false;
  while (open.length > 0) {
    const index = open.pop();
    const [x, y] = [index % SIDE, Math.floor(index / SIDE)];
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x + 1);
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y + 1);
    for (let v = Math.max(0, y - 1); v <= Math.min(SIDE - 1, y + 1); v++) {
      for (let u = Math.max(0, x - 1); u <= Math.min(SIDE - 1, x + 1); u++) {
        if (isInk[v * SIDE + u]) {
          isInk[v * SIDE + u] = false;
          open.push(v * SIDE + u);
        }
      }
    }
  }
  return box;
}
