/* The dialogs: help, zoom, and which rows are shown. The browser keeps the focus inside and gives it back. */

import { wideScanAddress } from "./api.js";
import { byId, make } from "../common/elements.js";
import { makePicture } from "./picture.js";
import { groupName, groupsOf } from "./overview.js";
import { wholePlace } from "./place.js";
import * as words from "./words.js";

const ZOOM_SIDE = 1600; // pixels

/** Whether a dialog is open that needs the keys for itself. */
export const areTakingKeys = () => byId("help").open || byId("filter").open;

const OF_GRID = ["jump", "accept_page", "up", "down", "glyph", "glyphs"];

/** Show the keys of a view: `grid`, `single` or `blind`. */
export function help(keys, view) {
  byId("help-labels").textContent = keys.howTo;
  const shown = keys.commands().filter(({ name }) => view === "grid" || !OF_GRID.includes(name));
  const rows = shown.map((command) => {
    const head = make("th");
    head.scope = "row";
    head.append(...command.keys.flatMap((key) => [" ", make("kbd", "", key)]));
    return make("tr", "", head, make("td", "", command.text));
  });
  byId("help-keys").replaceChildren(...rows);
  byId("help").showModal();
}

/** Show the scan of a card as large as the window, or close it. */
export function toggleZoom(card) {
  const dialog = byId("zoom");
  if (dialog.open || !card) return dialog.close();
  fillZoom(card);
  dialog.showModal();
}

/** Put another card into it. */
export function fillZoom(card) {
  byId("zoom-title").textContent = [card.label, words.score(card), words.mark(card), card.path].filter(Boolean).join("  ");
  byId("zoom-picture").replaceChildren(makePicture(wideScanAddress(card.row, ZOOM_SIDE)));
}

/** Ask which rows to show; resolves to a place, or to null. */
export function filter(state, place) {
  const dialog = byId("filter");
  const form = dialog.querySelector("form");
  const names = groupsOf(state).map(({ label }) => label);
  // A class may be called anything, so its option has its number as value.
  setOptions(form.group, names.map((label, number) => [String(number), groupName(label)]));
  setOptions(form.status, [["", "all"], ...Object.keys(state.statuses).map((status) => [status, status])]);
  byId("filter-group").hidden = names.length === 0;
  byId("filter-status").hidden = Object.keys(state.statuses).length === 0;
  form.group.value = String(names.indexOf(place.group));
  for (const name of ["status", "answered", "path"]) form[name].value = place[name] ?? "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => {
      const group = names.length ? names[Number(form.group.value)] : null;
      const filled = ["status", "answered", "path"].map((name) => [name, form[name].value || null]);
      if (dialog.returnValue === "apply") resolve({ ...wholePlace(group), ...Object.fromEntries(filled) });
      else resolve(dialog.returnValue === "clear" ? wholePlace(place.group) : null);
    };
  });
}

function setOptions(select, options) {
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
}
