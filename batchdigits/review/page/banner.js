/* The banner: what is wrong, in front of everything, until it is right again. */

import { byId } from "../common/elements.js";

const box = byId("banner");

/** Say what is wrong. */
export function warn(text) {
  if (box.textContent !== text) box.textContent = text;
  box.hidden = false;
}

/** It is right again. */
export function clear() {
  box.hidden = true;
  box.textContent = "";
}
