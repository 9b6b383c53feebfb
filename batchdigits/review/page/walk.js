/* The walk through the cards: which page is shown, where the cursor is, and what comes next. */

import { PAGE_SIZE } from "./cards.js";
import { untilAcknowledged } from "./outbox.js";
import { groupPlace, wholePlace, writePlace } from "./place.js";

export class Walk {
  index = 0;
  #cards;
  #viewAt;
  #onShow;
  #shown = null;
  #ahead = null; // a promise of the next page

  /** Through cards, in the view for a place; `onShow` is called whenever another card is shown. */
  constructor(cards, viewAt, onShow) {
    this.#cards = cards;
    this.#viewAt = viewAt;
    this.#onShow = onShow;
    this.page = { place: wholePlace(), start: 0, total: 0, cards: [] };
  }

  /** The card under the cursor; undefined where there is none. */
  get card() {
    return this.page.cards[this.index];
  }

  get view() {
    return this.#viewAt(this.page.place);
  }

  /** Show a place, from its first open card on. */
  async open(place, isNew = false) {
    this.show(await this.#pageOf(place), null, isNew);
  }

  /** Show a page, and put the cursor onto a card: the first open one, unless there is an index. */
  show(page, index = null, isNew = false) {
    this.page = page;
    writePlace(page.place, isNew);
    if (this.#shown !== this.view) this.#shown?.hide();
    this.#shown = this.view;
    this.view.show(page);
    this.point(index ?? Math.max(0, page.cards.findIndex((card) => this.#isOpen(card))));
    this.#lookAhead();
  }

  /** Put the cursor onto a card of the page. */
  point(index) {
    this.index = index;
    this.view.point(index);
    this.#onShow();
  }

  /** Go to the next open card: on this page, on the pages behind it, in the classes behind. False if none is left. */
  async goOn() {
    const { cards, place } = this.page;
    const later = cards.findIndex((card, index) => index > this.index && this.#isOpen(card));
    const earlier = cards.findIndex((card) => (place.view ? this.#isOpen(card) : card.answer === null));
    if (later >= 0 || earlier >= 0) this.point(later >= 0 ? later : earlier);
    else return this.goToOpenPage();
    return true;
  }

  /** Go to the next page that has an open card. False if there is none. */
  async goToOpenPage() {
    const { place } = this.page;
    const later = (await this.#firstOpenFrom(await this.#next())) ?? (await this.#openPageOfGroups(place));
    if (later) this.show(later);
    return later !== null;
  }

  /** Go on by some cards, or back. Beyond the page, one step turns it. */
  async move(step) {
    const index = this.index + step;
    if (index >= 0 && index < this.page.cards.length) this.point(index);
    else if (Math.abs(step) === 1) await this.turn(step);
  }

  /** Show the page behind this one (1) or before it (-1), with the cursor on its first open card or on its last card. */
  async turn(step) {
    const { place, start } = this.page;
    if (step > 0) {
      const next = await this.#next();
      if (next) this.show(next);
      else await this.turnGroup(1);
    } else if (start > 0) {
      const before = await this.#fetch(place, { start: Math.max(0, start - PAGE_SIZE) });
      this.show(before, before.cards.length - 1);
    }
  }

  /** Show the next class behind this one (1), or before it (-1), that has cards which the filter lets through. */
  async turnGroup(step) {
    const labels = this.#labels();
    const { place } = this.page;
    for (let index = labels.indexOf(place.group) + step; index in labels; index += step) {
      const page = await this.#pageOf(groupPlace(place, labels[index]));
      if (page.cards.length) return this.show(page, null, true);
    }
  }

  /** Go to a row, wherever it is. */
  async find(row) {
    const isIt = (card) => card.row === row;
    const { cards, place } = this.page;
    const here = cards.findIndex(isIt);
    const isHere = here >= 0 && !(place.view && cards[here].answer === null); // without an answer nothing differs
    if (isHere) return this.point(here);
    const card = this.#cards.known(row) ?? (await this.#fetch(wholePlace(), { at: row })).cards.find(isIt);
    const label = this.#labels().includes(card?.label) ? card.label : "";
    for (const there of [place, wholePlace(place.group === null ? null : label)]) {
      const page = await this.#fetch(there, { at: row });
      const index = page.cards.findIndex(isIt);
      if (index >= 0) return this.show(page, index);
    }
  }

  #isOpen(card) {
    return this.#cards.isOpen(card, this.page.place);
  }

  #fetch(place, where) {
    return untilAcknowledged(() => this.#cards.page(place, where));
  }

  #labels() {
    return this.#cards.state.groups.filter(({ rows }) => rows > 0).map(({ label }) => label);
  }

  // The images of the page ahead are loaded while a person looks at this one. Where an answer came before it, a filter
  // by answers begins it elsewhere.
  #lookAhead() {
    const { cards, place, start, total } = this.page;
    const end = start + cards.length;
    const { last_action: now } = this.#cards.state;
    const ahead = end < total ? this.#cards.page(place, { start: end }) : Promise.resolve(null);
    this.#ahead = ahead.then(
      (page) => {
        if (page) this.#viewAt(place).prepare(page);
        return page?.lastAction === now ? page : null;
      },
      () => null, // then it is asked for when it is needed
    );
  }

  async #next() {
    const ahead = await this.#ahead;
    const { start, total } = this.#cards.following(this.page); // as of now
    const { place } = this.page;
    if (start >= total) return null;
    return ahead ? { ...ahead, start, total, place: { ...place, start } } : this.#fetch(place, { start });
  }

  async #firstOpenFrom(page) {
    while (page && !page.cards.some((card) => this.#cards.isOpen(card, page.place))) {
      const { start, total } = this.#cards.following(page);
      page = start < total ? await this.#fetch(page.place, { start }) : null;
    }
    return page;
  }

  // The page that a place begins with: unless it says so itself, the one that has its first open card.
  async #pageOf(place) {
    return (place.start === null ? await this.#firstOpenPage(place) : null) ?? this.#fetch(place);
  }

  // The page of a place that has its first open card, or null.
  async #firstOpenPage(place) {
    const from = { ...place, start: null };
    if (place.view || (place.answered && place.answered !== "open")) return this.#firstOpenFrom(await this.#fetch(from));
    const page = await this.#fetch(from, { at: "open" });
    return page.cards.some((card) => card.answer === null) ? page : null;
  }

  // The first open page of the classes behind this one, and then of those before it.
  async #openPageOfGroups(place) {
    const labels = place.group === null ? [null] : this.#labels();
    const next = labels.indexOf(place.group) + 1;
    for (const group of [...labels.slice(next), ...labels.slice(0, next)]) {
      const page = await this.#firstOpenPage({ ...place, group });
      if (page) return page;
    }
    return null;
  }
}
