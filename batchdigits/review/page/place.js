/* The place: which rows are shown, and from which on. It is kept in the hash of the address, so a reload comes back. */

const NAMES = ["group", "status", "answered", "path", "view", "start"];

/** The place that the address names; what it leaves out is null. */
export function readPlace() {
  const hash = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries(NAMES.map((name) => [name, hash.get(name)]));
}

/** Name the place in the address. `isNew`: the browser's Back button comes back to the place before. */
export function writePlace(place, isNew) {
  const given = NAMES.filter((name) => place[name] !== null).map((name) => [name, place[name]]);
  const hash = `#${new URLSearchParams(given)}`;
  if (hash === location.hash) return;
  history[isNew ? "pushState" : "replaceState"](null, "", hash);
}

/** Everything, or a class of it. */
export const wholePlace = (group = null, view = null) => ({
  ...Object.fromEntries(NAMES.map((name) => [name, null])),
  group,
  view,
});

/** Another class, with the same filter. */
export const groupPlace = (place, group) => ({ ...place, group, view: null, start: null });

/** Whether only some rows are shown. */
export const isFiltered = (place) => Boolean(place.status || place.answered || place.path);

/** The filter in words. */
export function filterText(place) {
  const answered = { open: "without an answer", unsure: "unsure", done: "answered" }[place.answered];
  const parts = [place.view && "differences", place.status && `status ${place.status}`, answered];
  return [...parts, place.path && `path with “${place.path}”`].filter(Boolean).join(", ");
}
