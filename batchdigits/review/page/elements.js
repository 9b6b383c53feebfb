/* Making elements. Text from outside goes in as text, so markup in a file name stays what it is: a name. */

import { imageFault } from "./api.js";

/** The element of this id. */
export const byId = (id) => document.getElementById(id);

/** An element with a class, and texts or elements in it. */
export function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** A box of fixed size with an image, or with the reason why it cannot be shown. */
export function makePicture(address, className = "") {
  const box = make("div", `picture ${className}`);
  showPicture(box, address);
  return box;
}

/** Put another image into a box. */
export function showPicture(box, address) {
  if (box.dataset.address === address) return;
  box.dataset.address = address;
  const image = make("img");
  image.alt = "";
  image.onerror = async () => image.replaceWith(make("span", "fault", await imageFault(address)));
  image.src = address;
  box.replaceChildren(image);
}
