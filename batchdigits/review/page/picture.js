/* The picture of a card: the scan, the glyph, or why it cannot be shown; and whether somebody can have seen it. */

import { make } from "../common/elements.js";
import { imageFault } from "./api.js";

const MOMENT = 250; // milliseconds that a picture is on the screen before somebody can have seen it
const moments = new WeakMap(); // the timer of each picture on the screen
const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    clearTimeout(moments.get(target));
    if (isIntersecting) moments.set(target, setTimeout(() => (target.dataset.seen = ""), MOMENT));
    else if (!target.isConnected) delete target.dataset.seen; // what is scrolled away was seen
  }
});

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
  delete box.dataset.drawn;
  const image = make("img");
  image.alt = "";
  image.fetchPriority = priority;
  image.onload = () => {
    box.dataset.drawn = "";
    observer.observe(box);
  };
  image.onerror = async () => image.replaceWith(make("span", "fault", await imageFault(address)));
  image.src = address;
  box.replaceChildren(image);
}

/* Whether the image in a box has come. */
const isDrawn = (box) => "drawn" in box.dataset;

/** Why nobody can have seen what is in a box; nothing if it was on the screen for a moment. */
export function whyUnseen(box) {
  if (box.querySelector(".fault")) return "its picture cannot be shown";
  return isDrawn(box) && "seen" in box.dataset ? "" : "its picture was not on the screen for a moment yet";
}
