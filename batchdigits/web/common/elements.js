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
