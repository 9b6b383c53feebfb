/* One card at a time: its scan large, its glyph, and its neighbours in the folder. */

import { glyphAddress, scanAddress } from "./api.js";
import { make } from "../common/elements.js";
import { makePicture } from "./picture.js";
import * as words from "./words.js";

const SIDE = 800; // pixels of the large scan
const SMALL_SIDE = 160;
const AHEAD = 3; // cards whose images are loaded before they are shown

export class Single {
  #box;
  #cards;
  #page = { cards: [] };
  #hasGlyphs;
  #shown = null; // the card
  #ready = new Map(); // what is made ahead, by card

  /** A view in a box, of cards that it asks for their neighbours; the scan of a number has no glyph. */
  constructor(box, cards, hasGlyphs) {
    this.#box = box;
    this.#cards = cards;
    this.#hasGlyphs = hasGlyphs;
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
    this.#shown = card;
    if (!card) return this.#box.replaceChildren();
    const parts = this.#parts(card);
    for (const next of this.#page.cards.slice(index + 1, index + 1 + AHEAD)) this.#parts(next);
    for (const old of [...this.#ready.keys()].slice(0, -4 * AHEAD)) this.#ready.delete(old);
    const glyph = this.#hasGlyphs ? [parts.glyph] : [];
    this.#box.replaceChildren(parts.scan, ...glyph, parts.facts, parts.neighbours);
    this.update();
  }

  /** Show what has changed, on the card or on its neighbours. */
  update() {
    const card = this.#shown;
    if (!card) return;
    const parts = this.#ready.get(card);
    this.#box.dataset.status = card.status ?? "";
    this.#box.ariaLabel = words.describe(card);
    parts.facts.replaceChildren(...facts(card));
    for (const [near, caption] of parts.captions) caption.textContent = words.label(near);
  }

  /** The box with the scan of a card. */
  picture(card) {
    return this.#ready.get(card).scan;
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
    const parts = this.#ready.get(card) ?? this.#make(card);
    this.#ready.delete(card); // the newest are last
    this.#ready.set(card, parts);
    return parts;
  }

  #make(card) {
    const parts = {
      scan: makePicture(scanAddress(card.row, SIDE), "large"),
      glyph: this.#hasGlyphs && makePicture(glyphAddress(card.row), "glyph"),
      facts: make("div", "facts"),
      neighbours: make("div", "neighbours"),
      captions: new Map(), // by neighbour
    };
    this.#addNeighbours(card, parts);
    return parts;
  }

  async #addNeighbours(card, { neighbours, captions }) {
    try {
      const { before, after } = await this.#cards.neighbours(card);
      for (const near of [...before, card, ...after]) {
        const caption = make("span");
        // The browser loads six images at a time: the next card's own scan comes before its neighbours.
        const element = make("div", near === card ? "here" : "", makePicture(scanAddress(near.row, SMALL_SIDE), "", "low"), caption);
        element.title = near.path;
        if (near !== card) captions.set(near, caption);
        neighbours.append(element);
      }
      this.update();
    } catch {
      neighbours.append("The neighbours in the folder cannot be shown.");
    }
  }
}

function facts(card) {
  const first = make("p", "first", make("b", "", card.label ?? ""), " ", words.score(card), " ", card.status ?? "");
  const detail = make("p", "", card.detail ?? "", words.others(card));
  return [first, make("p", "answer", words.mark(card)), detail, make("p", "path", card.path)];
}
