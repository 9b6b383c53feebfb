/* What is known of the model: its card. */

import { byId, make } from "../common/elements.js";
import { facts } from "./parts.js";

const MAX_LABELS = 20; // that are named; the card below has all

/** Show the card. */
export function showAbout() {
  byId("facts").replaceChildren(...lines().map(([name, value]) => make("div", "", make("dt", "", name), make("dd", "", value))));
  byId("card").textContent = JSON.stringify(facts.card, null, 2);
  byId("about").showModal();
}

function lines() {
  const { card } = facts;
  const labels = card.labels.slice(0, MAX_LABELS).join(", ") + (card.labels.length > MAX_LABELS ? ", …" : "");
  const accuracy = Object.entries(card.accuracy).filter(([, share]) => typeof share === "number");
  return [
    ["Classes", labels],
    ["Network", ["784", ...card.network.hidden, card.labels.length].join("-") + ", int8"],
    ...accuracy.map(([split, share]) => [`Right labels, ${split}`, `${(100 * share).toFixed(2)} %`]),
    ["Score below which an image is for review", String(card.thresholds.review)],
    ["Outliers", card.rejects ? "are found" : "are not found"],
    ["Network's sha256", String(card.sha256.payload)],
    ["Made by", `batchdigits ${facts.version}`],
  ];
}
