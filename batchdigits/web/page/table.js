/* The table of several images, and its download. */

import { csv } from "./csv.js";
import { byId, drawGlyph, make } from "./elements.js";

const MAX_ROWS = 2000; // that are shown; the CSV has all

export class Table {
  #predictions = [];
  #counts = {};
  #total;

  /** An empty table for the predictions of so many images; `onPick` is called with the number of a row. */
  constructor(total, onPick) {
    this.#total = total;
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
    const counts = Object.entries(this.#counts).map(([status, count]) => `${count.toLocaleString("en")} ${status}`);
    const hidden = done > MAX_ROWS ? `; the first ${MAX_ROWS.toLocaleString("en")} are shown, the CSV has all` : "";
    const parts = [done, this.#total].map((number) => number.toLocaleString("en"));
    byId("several-title").textContent = `${parts.join(" of ")} images`;
    byId("progress").value = done;
    byId("progress").hidden = done === this.#total;
    byId("counts").textContent = counts.join(", ") + hidden;
  }

  #download() {
    const address = URL.createObjectURL(new Blob([csv(this.#predictions)], { type: "text/csv" }));
    const link = Object.assign(make("a"), { href: address, download: "digits.csv" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }
}
