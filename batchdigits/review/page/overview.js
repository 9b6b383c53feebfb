/* What is above and below the cards: progress, classes, filter, the buttons, and what was done last. */

import { byId, make } from "../common/elements.js";
import { filterText, isFiltered } from "./place.js";
import * as words from "./words.js";

/** Fill in what stays: the table's name, and buttons for the classes, a keypad and commands, with their keys. */
export function begin(state, keys, keypad, onCommand) {
  byId("table").textContent = state.table;
  document.title = `${state.table}: batchdigits review`;
  for (const label of state.classes) byId("labels").append(makeButton("label", label, label));
  for (const { name, key } of keypad) byId("labels").append(makeButton("key", name, key));
  byId("typed").hidden = !keys.isTyping && !state.are_numbers;
  if (state.are_numbers) beginNumbers();
  for (const { name, keys: spelled, text } of keys.commands()) {
    for (const button of document.querySelectorAll(`[data-command=${name}]`)) {
      button.title = text;
      button.append(" ", make("kbd", "", spelled[0]));
    }
  }
  for (const [number, { label }] of groupsOf(state).entries()) {
    const button = make("button", "", make("b", "", groupName(label)), make("span"));
    button.type = "button";
    button.dataset.command = "group";
    button.dataset.number = number;
    byId("groups").append(button);
  }
  byId("groups").hidden = state.groups.length === 0;
  document.addEventListener("click", (event) => {
    const { command, label, number } = event.target.closest("[data-command]")?.dataset ?? {};
    if (command) onCommand([command, command === "group" ? groupsOf(state)[number].label : label], event);
  });
}

function makeButton(command, name, label) {
  const button = make("button", "", name);
  button.type = "button";
  button.dataset.command = command;
  button.dataset.label = label;
  if (name !== label) button.ariaLabel = label;
  return button;
}

function beginNumbers() {
  words.beginNumbers();
  document.body.dataset.numbers = "";
  byId("labels").ariaLabel = "Type the number";
  byId("typed").ariaLabel = "Typed number";
  document.querySelector("[data-command=not_digit]").firstChild.data = "No number";
}

/** Show how far the review is. */
export function showProgress(state, isBlind) {
  byId("progress").max = Math.max(state.rows, 1);
  byId("progress").value = state.answered;
  const who = state.reviewer ? `${state.reviewer}: ` : "";
  const open = isBlind ? "" : `, ${words.count(state.open_review)} of status review open`;
  byId("counts").textContent = `${who}${words.count(state.answered)} of ${words.rows(state.rows)} answered${open}`;
  byId("show-unsure").hidden = state.unsure === 0;
  byId("show-unsure").textContent = `${words.count(state.unsure)} unsure`;
}

/** Show how much of each class is answered, and which one is shown. */
export function showGroups(state, current) {
  const groups = groupsOf(state);
  for (const button of byId("groups").children) {
    const group = groups[button.dataset.number];
    button.lastChild.textContent = ` ${group.answered}/${group.rows}`;
    if (group.label !== current) button.removeAttribute("aria-current");
    else if (!button.hasAttribute("aria-current")) {
      button.setAttribute("aria-current", "true");
      byId("groups").scrollLeft = button.offsetLeft - byId("groups").clientWidth / 2;
    }
  }
}

/** The groups that have rows; in single mode all together, too. */
export function groupsOf(state) {
  const groups = state.groups.filter(({ rows }) => rows > 0);
  const all = { label: null, rows: state.rows, answered: state.answered };
  return state.mode === "single" && groups.length ? [all, ...groups] : groups;
}

/** What a class is called; the rows without a label are one, too. */
export function groupName(label) {
  if (label === null) return "all";
  return label === "" ? "no label" : label;
}

/** Show which cards these are, and which filter holds. */
export function showPosition(page, index, isSingle) {
  const { start, total, cards, place } = page;
  const [from, to] = isSingle ? [start + index + 1, start + index + 1] : [start + 1, start + cards.length];
  const range = from === to ? words.count(from) : `${words.count(from)}–${words.count(to)}`;
  byId("position").textContent = total === 0 ? "No row" : `${range} of ${words.count(total)}`;
  byId("filters").textContent = filterText(place);
  byId("clear-filters").hidden = !isFiltered(place);
}

/** Tell what was done, also to those who hear the page. */
export function say(text) {
  byId("said").textContent = text;
}

/** Show the letters of a class that are typed so far. */
export function showTyped(text) {
  byId("typed").textContent = text;
}

/** Say that no card of a place is open, and which command comes next. Without a state, say nothing. */
export function showDone(state, place) {
  byId("done").hidden = state === null;
  if (state === null) return;
  const done = isFiltered(place) ? `No row is open of these: ${filterText(place)}.` : "Every row has an answer.";
  const unsure = state.unsure ? ` ${words.rows(state.unsure)} ${state.unsure === 1 ? "is" : "are"} unsure.` : "";
  byId("done").replaceChildren(`${done}${unsure} Next: `, make("code", "", nextCommand(state)));
}

// A sample that is keyed blind is for the audit: what is found there may make a larger one necessary.
function nextCommand({ table, sample, mode }) {
  if (sample && mode === "blind") return `batchdigits audit ${quoted(table)} --keyed ${quoted(sample)}`;
  return `batchdigits review ${quoted(table)} --apply -o ${table === "final.csv" ? "handed-over.csv" : "final.csv"}`;
}

const quoted = (name) => (/^[\w.,/+-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`);
