/* From a glyph to a prediction, as batchdigits/inference/decide.py decides it. */

import { run } from "./engine.js";
import { facts } from "./parts.js";
import { showsSeveral } from "./several.js";

const MAY_BE_OUTLIER = "may be no digit";
const SEVERAL_OR_NONE = "several digits, or none";
const { card, scale, zero } = facts;
const threshold = card.thresholds.review;

/**
 * The prediction for a glyph, or for none: `path`, `label`, `confidence` and `score` (0-1, or null), `status`,
 * `detail`, `probabilities` (0-1, in the order of the labels) and `glyph`.
 */
export function decide(path, glyph) {
  if (!glyph) return without(path, "blank", "");
  const logits = Array.from(run(glyph), (value) => Math.fround((value - zero) * scale));
  const probabilities = softmax(logits);
  const confidence = Math.max(...probabilities);
  const label = card.labels[probabilities.indexOf(confidence)];
  const score = rounded(card.rejects ? scoreOf(confidence, Math.max(...logits)) : confidence);
  const status = score >= threshold ? "ok" : "review";
  let detail = "";
  if (status === "review" && showsSeveral(glyph)) detail = SEVERAL_OR_NONE;
  else if (status === "review" && rounded(confidence) >= threshold) detail = MAY_BE_OUTLIER;
  return { path, label, confidence, status, detail, score, probabilities, glyph };
}

/** The prediction for an image that could not be read. */
export const failed = (path, fault) => without(path, "error", fault);

function without(path, status, detail) {
  return { path, label: "", confidence: null, status, detail, score: null, probabilities: null, glyph: null };
}

function softmax(logits) {
  const top = Math.max(...logits);
  const exponentials = logits.map((logit) => Math.exp(logit - top));
  const sum = exponentials.reduce((total, value) => total + value);
  return exponentials.map((value) => value / sum);
}

// With one more class, for outliers, whose logit is 0.
function scoreOf(confidence, topLogit) {
  const logOddsOfOutlier = Math.log(confidence) - topLogit;
  return confidence * Math.exp(-(Math.max(0, logOddsOfOutlier) + Math.log1p(Math.exp(-Math.abs(logOddsOfOutlier)))));
}

// To the decimals of the CSV, so that the status follows from the score as it is written.
function rounded(share) {
  return Number(share.toFixed(6));
}
