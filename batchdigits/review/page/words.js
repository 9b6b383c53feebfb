/* What the page says of rows and answers. */

const KINDS = { not_digit: "no digit", blank: "blank", unsure: "unsure" };
const SIGNS = { not_digit: "✗ ", blank: "∅ ", unsure: "? " };

/** 12,345 */
export const count = (number) => number.toLocaleString("en");

/** "1 row", "2 rows" */
export const rows = (number) => `${count(number)} ${number === 1 ? "row" : "rows"}`;

/** "0.93", or nothing. */
export const score = (card) => (typeof card.score === "number" ? card.score.toFixed(2) : "");

/** An answer in a word or two: "7", "no digit". */
export const answer = ({ kind, label }) => (kind === "label" ? label : KINDS[kind]);

/** Say what a table of numbers needs. */
export function beginNumbers() {
  KINDS.not_digit = "no number";
}

/** What a card says now: its answer, or else its prediction, which is hidden in blind keying. */
export const label = (card) => (card.answer ? answer(card.answer) : (card.label ?? ""));

/** An answer as a card shows it: "✓ 7" where it is the prediction, "→ 3" where it is another. */
export const mark = (card) => given(card) + (card.has_changed ? " ⚠ the image has changed since" : "");

function given(card) {
  if (!card.answer) return "";
  if (card.answer.kind !== "label") return SIGNS[card.answer.kind] + KINDS[card.answer.kind];
  if (card.label === undefined) return card.answer.label; // keyed blind
  return (card.answer.label === card.label ? "✓ " : "→ ") + card.answer.label;
}

/** Why a number that was typed may be wrong: it has not the usual number of digits, if that is known. */
export function digitsDoubt(number, usual) {
  const digits = number.replace(/[^0-9]/g, "").length;
  return usual && digits !== usual ? `${number} has ${digits} of the usual ${usual} digits` : "";
}

/** Why a person should look: "may be no digit", "error: not an image"; nothing for a row that is ok. */
export function doubt({ status, detail }) {
  if (status === "ok") return "";
  return status === "review" && detail ? detail : [status, detail].filter(Boolean).join(": "); // a card is narrow
}

/** What several gave for one row: "model 1, anna 7". */
export const others = (card) => (card.others ?? []).map((other) => `${other.who}: ${answer(other)}`).join(", ");

/** A card in a sentence, for those who hear the page. */
export function describe(card) {
  const parts = [card.label && `label ${card.label}`, score(card) && `score ${score(card)}`, card.status, card.detail];
  parts.push(others(card), card.answer && `answered ${answer(card.answer)}`, card.path);
  return parts.filter(Boolean).join(", ");
}

/** The last part of a path. */
export const fileName = (path) => path.slice(path.lastIndexOf("/") + 1);
