/* Predictions as `batchdigits classify --excel` writes them: the same columns, and no cell that a spreadsheet takes for a
   formula. */

const COLUMNS = ["path", "label", "confidence", "status", "detail", "score"];
// Where the decimal sign is a comma, spreadsheets split a CSV at semicolons.
const NEEDS_QUOTES = /[",;\t\r\n]/;
const FORMULA = /^(\s*[=+\-@＝＋－＠]|['\x00-\x1f\x7f])/; // spreadsheets in Asia take the wide signs

/** The whole file, as text. */
export function csv(predictions) {
  const rows = predictions.map((prediction) => COLUMNS.map((column) => cell(prediction[column])));
  return `\ufeff${[COLUMNS, ...rows].map((row) => row.join(",") + "\n").join("")}`;
}

function cell(value) {
  if (value === null) return "";
  if (typeof value === "number") return value.toFixed(6);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
