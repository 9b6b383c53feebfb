/* The cards that the page knows, each of them once, and the pages that they come on. */

import * as api from "./api.js";

/** How many cards are on a page. The columns of review.css divide it. */
export const PAGE_SIZE = 48;

export class Cards {
  #known = new Map();
  #mode;

  /** Begin with the server's state, which `apply` keeps up to date. */
  constructor(state) {
    this.state = state;
    this.#mode = state.mode;
    this.confirmed = new Set(); // rows of the view of differences
  }

  /**
   * The page of a place as of `lastAction`: from a start on, or the one that has a row, or the first one that has an
   * `open` row.
   */
  async page(place, { start = place.start ?? 0, at = null } = {}) {
    const order = this.#mode === "single" && place.group === null ? "score" : null;
    const { answered, group, path, status, view } = place;
    const query = { group, status, path, answered, view, order, start: at === null ? start : null, at };
    const reply = await this.#ask("cards", { ...query, count: PAGE_SIZE });
    const shown = { start: reply.start, total: reply.total, lastAction: reply.last_action };
    return { ...shown, place: { ...place, start: reply.start }, cards: this.#remember(reply.cards) };
  }

  /** The rows around a card, in the order of its folder. */
  async neighbours(card) {
    const reply = await this.#ask(`neighbours/${card.row}`, { count: 3 });
    return { before: this.#remember(reply.before), after: this.#remember(reply.after) };
  }

  /** A card that has been shown before. */
  known(row) {
    return this.#known.get(row);
  }

  /** Take over what the server says has changed; returns those of the cards that the page knows. */
  apply(reply) {
    const { changes, ...counts } = reply;
    if (reply.last_action < this.state.last_action) return []; // overtaken on its way
    const known = changes.filter(({ row }) => this.#known.has(row));
    for (const { row, answer } of known) Object.assign(this.#known.get(row), { answer, has_changed: false });
    for (const name of ["last_action", "answered", "unsure", "open_review", "groups"]) this.state[name] = counts[name];
    return known.map(({ row }) => this.#known.get(row));
  }

  /** Whether a card waits for a person, at this place. */
  isOpen(card, place) {
    if (place.view) return !this.confirmed.has(card.row);
    if (place.answered === "unsure") return card.answer?.kind === "unsure";
    return place.answered === "done" || card.answer === null;
  }

  /** The page behind this one, when it is left: of what a filter by answers shows, the cards answered since are gone. */
  following(page) {
    const { answered, view } = page.place;
    const fits = {
      open: (card) => card.answer === null,
      unsure: (card) => card.answer?.kind === "unsure",
      done: (card) => card.answer !== null,
      differences: (card) => !this.confirmed.has(card.row) || this.#staysDifferent(card),
    }[view ?? answered];
    const gone = fits ? page.cards.filter((card) => !fits(card)).length : 0;
    return { start: page.start + page.cards.length - gone, total: page.total - gone };
  }

  // Two persons differ until one answer counts.
  #staysDifferent(card) {
    return this.state.round === "second" && card.answer?.kind === "unsure";
  }

  // A reply that an answer has overtaken on its way would take that answer back.
  async #ask(path, query) {
    for (;;) {
      const reply = await api.get(path, query);
      if (reply.last_action >= this.state.last_action) return reply;
    }
  }

  #remember(cards) {
    return cards.map((card) => {
      const known = this.#known.get(card.row) ?? card;
      this.#known.set(card.row, Object.assign(known, card));
      return known;
    });
  }
}
