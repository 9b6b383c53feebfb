/* The table of several images, and its download. */

import { csv } from "./csv.js";
import { byId, make } from "../common/elements.js";
import { drawGlyph } from "./glyph.js";

const MAX_ROWS = 2000; // that are shown; the CSV has all
const inWords = (count) => count.toLocaleString("en"); // 12,345

export class Table {
  #predictions = [];
  #counts = {};
  #total;
  #passedOver;

  /** An empty table for so many images, beside files that were passed over; `onPick` gets the number of a row. */
  constructor(total, passedOver, onPick) {
    this.#total = total;
    this.#passedOver = passedOver;
    this.onPick = onPick;
    byId("several").hidden = false;
    byId("rows").replaceChildren();
    byId("progress").max = total;
    byId("download").onclick = () => this.#download();
    this.#showProgress();
  }

  /** Add predictions. */
  add(predictions) {
    const rows = document.createDocumentFragment();
    for (const prediction of predictions) {
      if (this.#predictions.length < MAX_ROWS) rows.append(this.#row(prediction, this.#predictions.length));
      this.#predictions.push(prediction);
      this.#counts[prediction.status] = (this.#counts[prediction.status] ?? 0) + 1;
    }
    byId("rows").append(rows);
    this.#showProgress();
  }

  #row(prediction, number) {
    const canvas = Object.assign(make("canvas"), { width: 28, height: 28 });
    canvas.ariaHidden = "true";
    drawGlyph(canvas, prediction.glyph);
    const button = make("button", "", prediction.path);
    button.type = "button";
    button.onclick = () => this.onPick(number);
    const numbers = [prediction.confidence, prediction.score].map((share) => share?.toFixed(3) ?? "");
    const cells = [canvas, button, prediction.label, numbers[0], prediction.status, prediction.detail, numbers[1]];
    const row = make("tr", "", ...cells.map((cell) => make("td", "", cell)));
    row.dataset.status = prediction.status;
    return row;
  }

  #showProgress() {
    const done = this.#predictions.length;
    const parts = [Object.entries(this.#counts).map(([status, count]) => `${inWords(count)} ${status}`).join(", ")];
    if (done > MAX_ROWS) parts.push(`the first ${inWords(MAX_ROWS)} are shown, the CSV has all`);
    if (this.#passedOver) parts.push(`passed over, no images: ${inWords(this.#passedOver)}`);
    byId("several-title").textContent = `${inWords(done)} of ${inWords(this.#total)} images`;
    byId("progress").value = done;
    byId("progress").hidden = done === this.#total;
    byId("counts").textContent = parts.join("; ");
  }

  #download() {
    const address = URL.createObjectURL(new Blob([csv(this.#predictions)], { type: "text/csv" }));
    const link = Object.assign(make("a"), { href: address, download: "digits.csv" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }
}
