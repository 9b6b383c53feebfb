/* The page of `batchdigits review`: what each key does. */

import * as api from "./api.js";
import * as banner from "./banner.js";
import { Cards } from "./cards.js";
import * as dialogs from "./dialogs.js";
import { byId } from "../common/elements.js";
import { Grid } from "./grid.js";
import { Keys } from "./keys.js";
import { KEYPAD, NumberKeys } from "./number_keys.js";
import { enqueue, isStuck, untilAcknowledged } from "./outbox.js";
import * as overview from "./overview.js";
import { whyUnseen } from "./picture.js";
import { groupPlace, readPlace, wholePlace } from "./place.js";
import { Single } from "./single.js";
import { Walk } from "./walk.js";
import * as words from "./words.js";

const POLL = 3000; // milliseconds between two questions for the answers of others

const state = await untilAcknowledged(() => api.get("state"));
const isBlind = state.mode === "blind" || state.round === "second";
const cards = new Cards(state);
const keys = state.are_numbers ? new NumberKeys() : new Keys(state.classes);
const grid = new Grid(byId("grid"), state.are_numbers ? 480 : 160, (index) => perform(["go", index]));
const single = new Single(byId("single"), cards, !state.are_numbers);
let shownPage = null;
let doubted = null; // the row and the number with other digits than usual that a person is asked about
let lastAsked = null; // what a person asked for last; what was asked for before may still wait
const walk = new Walk(cards, ({ view }) => (state.mode === "grid" && !isBlind) || view ? grid : single, refresh);

const COMMANDS = {
  label: (label) => answer({ kind: "label", label }),
  number: takeNumber,
  edit,
  leave: () => document.querySelector("header button:not([hidden])").focus(),
  accept,
  accept_page: acceptPage,
  not_digit: () => answer({ kind: "not_digit" }),
  blank: () => answer({ kind: "blank" }),
  unsure: () => answer({ kind: "unsure" }),
  undo,
  next: () => walk.move(1),
  previous: () => walk.move(-1),
  up: () => walk.move(-walk.view.columns),
  down: () => walk.move(walk.view.columns),
  go,
  jump: () => {},
  next_page: () => (walk.view === grid ? walk.turn(1) : walk.move(1)),
  previous_page: () => (walk.view === grid ? walk.turn(-1) : walk.move(-1)),
  next_group: () => walk.turnGroup(1),
  previous_group: () => walk.turnGroup(-1),
  group: (label) => walk.open(groupPlace(walk.page.place, label), true),
  glyph: () => walk.card && walk.view.toggleGlyph(walk.card),
  glyphs: toggleGlyphs,
  zoom: () => dialogs.toggleZoom(walk.card),
  show_unsure: () => walk.open({ ...wholePlace(), answered: "unsure" }, true),
  show_all: () => walk.open(wholePlace(walk.page.place.group ?? firstGroup()), true),
  typed: () => {},
  say: (text) => overview.say(text),
};

// They wait for nothing: the keys behind them are theirs.
const DIALOGS = { filter: openFilter, help: () => dialogs.help(keys, document.body.dataset.view) };

async function answer(given, isBack = false) {
  const { card } = walk;
  if (!card) return;
  await save([{ row: card.row, ...given }], `${words.fileName(card.path)}: ${words.answer(given)}`);
  await (isBack ? walk.move(-1) : goOn());
}

async function takeNumber({ number, isBack }, asked) {
  const why = walk.card && words.digitsDoubt(number, walk.card.digits);
  const isNew = doubted?.number !== number || doubted.row !== walk.card?.row;
  doubted = why && isNew ? { number, row: walk.card.row } : null;
  if (!doubted) return answer({ kind: "label", label: number }, isBack);
  typeOn(number, asked, `${why}: type it again, and press Enter twice.`);
  overview.say(`${why}: press Enter again to take it.`);
}

function edit(_, asked) {
  typeOn(walk.card?.answer?.label ?? walk.card?.label ?? "", asked, "The answer before took too long: press e again.");
}

// Keys are read as they are pressed, and answers take a while: what was typed meanwhile was meant to follow this number.
function typeOn(number, asked, lateText) {
  const isLate = asked !== lastAsked;
  keys.edit(isLate ? "" : number);
  overview.showTyped(keys.typed);
  if (isLate) throw new Error(lateText);
}

function go(card) {
  if (!card) return overview.say("No card has this letter.");
  const index = walk.page.cards.indexOf(card);
  if (index < 0) throw new Error(`Another page is shown than the one with ${words.fileName(card.path)}.`);
  walk.point(index);
}

async function accept() {
  if (isTyped(walk.card)) return goOn();
  if (!walk.card) return;
  const given = prediction(walk.card);
  if (!given) return overview.say(`There is nothing to accept here: ${state.are_numbers ? "type the number" : "give the label"}.`);
  if (isSomeSeen([walk.card])) await answer(given);
}

// Whether one of some cards was on the screen for a moment: the second of two quick keys accepts nothing, and says so.
function isSomeSeen(some) {
  const reasons = some.map((card) => whyUnseen(walk.view.picture(card)));
  if (reasons.includes("")) return true;
  overview.say(`Nothing is accepted: ${reasons[0]}.`);
  return false;
}

// Whether a person has given this card another number: Enter on the way back must not bring the one that was read again.
function isTyped(card) {
  return state.are_numbers && !walk.page.place.view && card?.answer && card.answer.kind !== "unsure";
}

async function acceptPage() {
  if (walk.view !== grid) return overview.say("Only the grid has pages to accept.");
  const { place } = walk.page;
  const open = walk.page.cards.filter((card) => cards.isOpen(card, place));
  if (open.length && !isSomeSeen(open)) return;
  const accepted = open.filter((card) => prediction(card) && !whyUnseen(walk.view.picture(card)));
  const answers = accepted.map((card) => ({ row: card.row, ...prediction(card) }));
  if (answers.length) await save(answers, `${words.rows(answers.length)} accepted`);
  if (answers.length < open.length) {
    const left = `${open.length - answers.length} without a label, or whose picture was not on the screen, stay open`;
    overview.say(`${words.rows(answers.length)} accepted; ${left}`);
  }
  await goOn(answers.length === open.length);
}

// What accepting a card says: its prediction or, where several differ, what this person gave before.
function prediction(card) {
  if (walk.page.place.view) return card.answer?.kind === "unsure" ? null : card.answer;
  if (card.label) return { kind: "label", label: card.label };
  if (card.status === "reviewed") return { kind: card.detail === "blank" ? "blank" : "not_digit" };
  return card.status === "blank" ? { kind: "blank" } : null;
}

// Save answers; when this returns they are on disk.
async function save(answers, text) {
  const view = walk.page.place.view ?? "";
  const [tab, request] = [await api.ownTab(), api.newName()];
  const send = () => api.post("answers", { tab, request, mode: state.mode, view, answers, since: state.last_action });
  const reply = await untilAcknowledged(send, text);
  if (view) answers.forEach(({ row }) => cards.confirmed.add(row));
  take(reply);
  overview.say(text);
}

async function undo() {
  // Not sent again by itself: if only the reply was lost, that would undo one more.
  const reply = await api.post("undo", { tab: await api.ownTab(), since: state.last_action });
  take(reply);
  if (reply.undone.length === 0) return overview.say("Nothing is left to undo.");
  reply.undone.forEach((row) => cards.confirmed.delete(row));
  overview.showDone(null);
  await walk.find(reply.undone[0]);
  const count = reply.undone.length;
  overview.say(`Undone: ${count === 1 ? words.fileName(walk.card.path) : words.rows(count)}`);
}

// Go to the next open card or, if this page is done, to the next page with one; where none is left, say so.
async function goOn(isPageDone = false) {
  if (await (isPageDone ? walk.goToOpenPage() : walk.goOn())) return;
  if (isBlind && !walk.page.place.view) {
    await walk.open(wholePlace(null, "differences"), true);
    if (walk.card) return;
  }
  overview.showDone(state, walk.page.place);
}

// Show what a reply says has changed, here and in other tabs.
function take(reply) {
  const changed = cards.apply(reply);
  changed.forEach((card) => walk.view.update(card));
  if (reply.answered < state.rows && changed.some((card) => card.answer === null)) overview.showDone(null);
  overview.showProgress(state, isBlind);
  overview.showGroups(state, walk.page.place.group);
}

function refresh() {
  document.body.dataset.view = walk.view === grid ? "grid" : isBlind ? "blind" : "single";
  overview.showPosition(walk.page, walk.index, walk.view === single);
  overview.showGroups(state, walk.page.place.group);
  if (walk.page !== shownPage) overview.showDone(null);
  shownPage = walk.page;
  if (byId("zoom").open && walk.card) dialogs.fillZoom(walk.card);
  if (!document.activeElement?.closest("button, input, select, dialog")) focusCards();
}

function focusCards() {
  walk.view.element.focus({ preventScroll: true });
}

function toggleGlyphs() {
  const areShown = walk.view.toggleGlyphs(walk.page);
  document.querySelector("[data-command=glyphs]").ariaPressed = areShown;
}

async function openFilter() {
  const place = await dialogs.filter(state, walk.page.place);
  if (place) enqueue(() => walk.open(place, true));
}

// The class to begin with: the first one that has an open card.
function firstGroup() {
  if (walk.view !== grid) return null;
  const groups = state.groups.filter(({ rows }) => rows > 0);
  return (groups.find(({ rows, answered }) => answered < rows) ?? groups[0])?.label ?? null;
}

function perform(asked) {
  lastAsked = asked;
  const [name, argument] = asked;
  keys.isJumping &&= walk.view === grid;
  overview.showTyped(keys.typed);
  walk.view.showLetters(keys.isJumping);
  if (name in DIALOGS) return DIALOGS[name]();
  const subject = name === "go" ? walk.page.cards[argument] : argument; // of the page that the person sees
  enqueue(() => COMMANDS[name](subject, asked));
}

document.addEventListener("keydown", (event) => {
  if (dialogs.areTakingKeys() || event.target.closest("input, select")) return;
  const isForButton = [" ", "Enter", "Tab"].includes(event.key) && event.target.closest("button");
  if (isForButton && !(state.are_numbers && keys.typed)) return; // it presses the button, or goes to the next
  const read = keys.read(event);
  if (!read) return;
  event.preventDefault();
  const isMove = ["next", "previous", "up", "down", "typed"].includes(read[0]);
  if (!event.repeat || isMove) perform(read);
});

window.addEventListener("popstate", () => {
  const place = readPlace(); // an answer on its way may write another one
  enqueue(() => walk.open(place));
});

async function poll() {
  let isGone = false;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, POLL));
    try {
      take(await api.get("changes", { since: state.last_action }));
      if (isGone && !isStuck()) banner.clear();
      isGone = false;
    } catch (fault) {
      isGone = true;
      if (!isStuck()) banner.warn(fault.message);
    }
  }
}

overview.begin(state, keys, state.are_numbers ? KEYPAD : [], (command, event) => {
  if (event.detail > 0) focusCards(); // a mouse leaves the keys to the cards
  const asked = command[0] === "key" ? keys.press(command[1]) : command;
  if (asked) perform(asked);
});
overview.showProgress(state, isBlind);
enqueue(async () => {
  const place = readPlace();
  const isAnywhere = !location.hash;
  await walk.open(isAnywhere ? wholePlace(firstGroup()) : place);
  if (!walk.card || (isAnywhere && !cards.isOpen(walk.card, place))) await goOn(true);
});
poll();
