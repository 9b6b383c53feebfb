/* One card at a time: its scan large, its glyph, and its neighbours in the folder. */

import { glyphAddress, scanAddress } from "./api.js";
import { make, makePicture } from "./elements.js";
import * as words from "./words.js";

const SIDE = 800; // pixels of the large scan
const SMALL_SIDE = 160;
const AHEAD = 3; // cards whose images are loaded before they are shown

export class Single {
  #box;
  #cards;
  #page = { cards: [] };
  #ready = new Map(); // what is made ahead, by card

  /** A view in a box, of cards that it asks for their neighbours. */
  constructor(box, cards) {
    this.#box = box;
    this.#cards = cards;
  }

  get element() {
    return this.#box;
  }

  /** Make room for another view. */
  hide() {
    this.#box.hidden = true;
  }

  /** Load the images of the first cards of a page. */
  prepare(page) {
    for (const card of page.cards.slice(0, AHEAD)) this.#parts(card);
  }

  /** Take a page; `point` says which card of it is shown. */
  show(page) {
    this.#page = page;
    this.#box.hidden = false;
  }

  /** Show a card. */
  point(index) {
    const card = this.#page.cards[index];
    if (!card) return this.#box.replaceChildren();
    const parts = this.#parts(card);
    for (const next of this.#page.cards.slice(index + 1, index + 1 + AHEAD)) this.#parts(next);
    for (const old of [...this.#ready.keys()].slice(0, -4 * AHEAD)) this.#ready.delete(old);
    this.#box.replaceChildren(parts.scan, parts.glyph, parts.facts, parts.neighbours);
    this.update(card);
  }

  /** Show what has changed on a card. */
  update(card) {
    const parts = this.#ready.get(card);
    if (!parts) return;
    this.#box.dataset.answer = card.answer?.kind ?? "";
    this.#box.dataset.status = card.status ?? "";
    this.#box.ariaLabel = words.describe(card);
    parts.facts.replaceChildren(...facts(card));
  }

  /** The glyph is always shown. */
  toggleGlyph() {}

  toggleGlyphs() {
    return false;
  }

  showLetters() {}

  get columns() {
    return 1;
  }

  #parts(card) {
    const parts = this.#ready.get(card) ?? {
      scan: makePicture(scanAddress(card.row, SIDE), "large"),
      glyph: makePicture(glyphAddress(card.row), "glyph"),
      facts: make("div", "facts"),
      neighbours: this.#neighbours(card),
    };
    this.#ready.delete(card); // the newest are last
    this.#ready.set(card, parts);
    return parts;
  }

  #neighbours(card) {
    const box = make("div", "neighbours");
    this.#cards.neighbours(card).then(
      ({ before, after }) => {
        const here = make("div", "here", makePicture(scanAddress(card.row, SMALL_SIDE)));
        box.append(...before.map(neighbour), here, ...after.map(neighbour));
      },
      () => box.append("The neighbours in the folder cannot be shown."),
    );
    return box;
  }
}

function facts(card) {
  const first = make("p", "first", make("b", "", card.label ?? ""), " ", words.score(card), " ", card.status ?? "");
  const detail = make("p", "", card.detail ?? "", words.others(card));
  return [first, make("p", "answer", words.mark(card)), detail, make("p", "path", card.path)];
}

function neighbour(card) {
  const label = card.answer ? words.answer(card.answer) : (card.label ?? "");
  const element = make("div", "", makePicture(scanAddress(card.row, SMALL_SIDE)), label);
  element.title = card.path;
  return element;
}
