/* One prediction, large: the picture, its glyph, label, status and probabilities. */

import { byId, make } from "../common/elements.js";
import { drawGlyph } from "./glyph.js";
import { facts } from "./parts.js";

const MAX_BARS = 12; // of more classes, the likeliest are shown

/** Show a prediction; `picture`, a bitmap or a canvas, is shown beside its glyph if there is one. */
export function showResult(prediction, picture = null) {
  byId("label").textContent = prediction.label || "–";
  byId("status").textContent = describe(prediction);
  byId("result").dataset.status = prediction.status;
  byId("name").textContent = prediction.path;
  drawGlyph(byId("glyph"), prediction.glyph);
  showPicture(picture);
  byId("probabilities").replaceChildren(...(prediction.probabilities ? bars(prediction.probabilities) : []));
}

/** Show that there is nothing yet. */
export function showNothing() {
  byId("result").dataset.status = "";
  for (const id of ["label", "status", "name", "probabilities"]) byId(id).replaceChildren();
  byId("label").textContent = "–";
  drawGlyph(byId("glyph"), null);
  showPicture(null);
}

function describe({ status, detail, score }) {
  const words = score === null ? status : `${status}, score ${score.toFixed(3)}`;
  return detail ? `${words}: ${detail}` : words;
}

function showPicture(picture) {
  const figure = byId("picture");
  figure.hidden = !picture;
  if (!picture) return;
  const canvas = figure.querySelector("canvas");
  const scale = canvas.width / Math.max(picture.width, picture.height);
  const [width, height] = [scale * picture.width, scale * picture.height];
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
}

function bars(probabilities) {
  const order = [...probabilities.keys()];
  if (order.length > MAX_BARS) order.sort((one, other) => probabilities[other] - probabilities[one]).splice(MAX_BARS);
  const top = Math.max(...probabilities);
  return order.map((index) => {
    const percent = `${(100 * probabilities[index]).toFixed(1)} %`;
    const bar = make("span", "bar");
    bar.style.width = `${100 * probabilities[index]}%`;
    const className = probabilities[index] === top ? "top" : "";
    return make("div", className, make("dt", "", facts.card.labels[index]), make("dd", "", bar, make("span", "", percent)));
  });
}
