/* The picture of a card: the scan, the glyph, or why it cannot be shown. */

import { make } from "../common/elements.js";
import { imageFault } from "./api.js";

/** A box of fixed size with an image, or with the reason why it cannot be shown; `priority` is as for `fetch`. */
export function makePicture(address, className = "", priority = "auto") {
  const box = make("div", `picture ${className}`);
  showPicture(box, address, priority);
  return box;
}

/** Put another image into a box. */
export function showPicture(box, address, priority = "auto") {
  if (box.dataset.address === address) return;
  box.dataset.address = address;
  const image = make("img");
  image.alt = "";
  image.fetchPriority = priority;
  image.onerror = async () => image.replaceWith(make("span", "fault", await imageFault(address)));
  image.src = address;
  box.replaceChildren(image);
}
