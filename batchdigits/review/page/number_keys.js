/* Keys for a table of numbers: digits, separators and a sign are typed, and letters are commands. */

import { Keys } from "./keys.js";

const DIGITS = "0123456789";
const SIGNS = "-+";
const SEPARATORS = ".,-/: ";
const NUMBER = /^[+-]?[0-9]+([.,/: -][0-9]+)*$/; // fields/rules.py has the same
const MAX_LENGTH = 32;
const RULE = "a number has digits, a space or one of . , - / : between two of them, and a sign before them";

const COMMANDS = [
  ["number", ["Enter", "Tab"], "take the number that was typed, and go on; Shift+Tab goes back"],
  ["edit", ["e"], "type on from the number that was read"],
  ["leave", ["Escape"], "drop what was typed; then, let Tab go through the buttons"],
].map(([name, keys, text]) => ({ name, keys, text }));

/** The buttons of those who have no keyboard, with the keys that they press. */
export const KEYPAD = [...DIGITS, ...SEPARATORS, "⌫", "⏎"].map((name) => ({
  name: name === " " ? "␣" : name,
  key: { "⌫": "Backspace", "⏎": "Enter", " ": "Space" }[name] ?? name,
}));

export class NumberKeys extends Keys {
  constructor() {
    super([]);
  }

  get howTo() {
    return "Type the number as the table has it, with its leading zeros; Enter or Tab takes it.";
  }

  commands() {
    return [...COMMANDS, ...super.commands().filter(({ name }) => !["glyph", "glyphs"].includes(name))];
  }

  read(event) {
    const read = super.read(event);
    const isTooMuch = !read && event.key.length === 1 && !event.ctrlKey && !event.altKey && !event.metaKey;
    return isTooMuch ? ["say", `“${event.key}” does nothing: ${RULE}.`] : read;
  }

  /** What a button of the keypad asks for. */
  press(key) {
    return this.read({ key: key === "Space" ? " " : key, altKey: false, getModifierState: () => false });
  }

  /** Go on from a number. */
  edit(number) {
    this.typed = number;
  }

  label({ key, shiftKey }) {
    if (this.typed === "") {
      if (key === "Tab") return [shiftKey ? "previous" : "next"];
      if (key === "e") return ["edit"];
      if (key === "Escape") return ["leave"];
      return DIGITS.includes(key) || SIGNS.includes(key) ? this.#show(key) : null;
    }
    if (key === "Backspace") return this.#show(this.typed.slice(0, -1));
    if (key === "Escape") return this.#show("");
    if (key === "Enter" || key === "Tab") return this.#take(shiftKey && key === "Tab");
    if (!DIGITS.includes(key) && !SEPARATORS.includes(key)) {
      return ["say", `“${key}” does nothing now: Enter takes ${this.typed}, Escape drops it.`];
    }
    const typed = this.typed + key;
    return typed.length > MAX_LENGTH ? ["say", `A number has at most ${MAX_LENGTH} characters.`] : this.#show(typed);
  }

  #take(isBack) {
    const { typed } = this;
    if (!NUMBER.test(typed)) return ["say", `“${typed}” is no number: ${RULE}.`];
    this.typed = "";
    return ["number", { number: typed, isBack }];
  }

  #show(typed) {
    this.typed = typed;
    return ["typed"];
  }
}
