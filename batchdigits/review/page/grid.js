/* The grid: a page of cards, and the cursor on one of them. */

import { glyphAddress, scanAddress } from "./api.js";
import { make } from "../common/elements.js";
import { makePicture, showPicture } from "./picture.js";
import { JUMP_LETTERS } from "./keys.js";
import * as words from "./words.js";

export class Grid {
  #box;
  #elements = []; // those of the cards shown, in order
  #areGlyphs = false;
  #side;

  /**
   * A grid in a list box. The longest side of a scan has at most `side` pixels; `onPick` is called with the place of a
   * card on which somebody clicks.
   */
  constructor(box, side, onPick) {
    this.#box = box;
    this.#side = side;
    box.addEventListener("click", (event) => {
      const index = this.#elements.indexOf(event.target.closest("[role=option]"));
      if (index >= 0) onPick(index);
    });
  }

  get element() {
    return this.#box;
  }

  /** Make room for another view. */
  hide() {
    this.#box.hidden = true;
  }

  /** Make the cards of a page, so that the browser loads their images before the page is shown. */
  prepare(page) {
    page.elements ??= page.cards.map((card, index) => this.#makeCard(card, JUMP_LETTERS[index], page.place.view));
  }

  /** Show a page. */
  show(page) {
    this.prepare(page);
    this.#elements = page.elements;
    this.#box.hidden = false;
    for (const [index, card] of page.cards.entries()) {
      this.#update(this.#elements[index], card);
      this.#showImage(this.#elements[index], card, this.#areGlyphs);
    }
    this.#box.replaceChildren(...this.#elements);
  }

  /** Put the cursor onto a card. */
  point(index) {
    this.#box.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
    const element = this.#elements[index];
    if (!element) return this.#box.removeAttribute("aria-activedescendant");
    element.setAttribute("aria-selected", "true");
    this.#box.setAttribute("aria-activedescendant", element.id);
    element.scrollIntoView({ block: "nearest" });
  }

  /** Show what has changed on a card. */
  update(card) {
    const element = this.#elementOf(card);
    if (element) this.#update(element, card);
  }

  /** Show the letters to jump by, or hide them. */
  showLetters(areShown) {
    this.#box.classList.toggle("jumping", areShown);
  }

  /** Show the glyph of a card, or its scan again. */
  toggleGlyph(card) {
    const element = this.#elementOf(card);
    this.#showImage(element, card, element.dataset.image !== "glyph");
  }

  /** Show the glyphs of all cards, or their scans again; returns whether they are shown. */
  toggleGlyphs(page) {
    this.#areGlyphs = !this.#areGlyphs;
    for (const [index, card] of page.cards.entries()) this.#showImage(this.#elements[index], card, this.#areGlyphs);
    return this.#areGlyphs;
  }

  /** How many cards stand in a row. */
  get columns() {
    const [first, ...others] = this.#elements;
    const below = others.findIndex((element) => element.offsetTop > first.offsetTop);
    return below < 0 ? this.#elements.length : below + 1;
  }

  /** The box with the picture of a card. */
  picture(card) {
    return this.#elementOf(card).firstChild;
  }

  #elementOf(card) {
    return this.#elements.find((element) => element.id === `card-${card.row}`);
  }

  #makeCard(card, letter, view) {
    const element = make("div", "card", makePicture(scanAddress(card.row, this.#side)));
    if (this.#areGlyphs) this.#showImage(element, card, true);
    element.id = `card-${card.row}`;
    element.role = "option";
    element.title = card.path;
    element.ariaSelected = "false";
    element.dataset.status = card.status ?? "";
    const first = make("div", "first", make("b", "", card.label ?? ""), make("span", "", words.score(card)));
    if (view) first.replaceChildren(make("span", "others", words.others(card)));
    element.append(first, make("div", "second"), make("kbd", "letter", letter));
    this.#update(element, card);
    return element;
  }

  #update(element, card) {
    element.dataset.answer = card.answer?.kind ?? "";
    element.querySelector(".second").textContent = words.mark(card) || words.doubt(card);
    element.ariaLabel = words.describe(card);
  }

  #showImage(element, card, isGlyph) {
    element.dataset.image = isGlyph ? "glyph" : "scan";
    showPicture(element.firstChild, isGlyph ? glyphAddress(card.row) : scanAddress(card.row, this.#side));
  }
}
