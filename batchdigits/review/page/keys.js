/* Which key means what. A class whose name is one character has a key; longer names are typed. */

const COMMANDS = [
  ["accept", ["Space", "Enter"], "accept the card and go on"],
  ["accept_page", ["Shift+Enter"], "accept the cards of the page that have no answer and were on the screen, and go on"],
  ["not_digit", ["x"], "no digit"],
  ["blank", ["b"], "blank"],
  ["unsure", ["?"], "unsure: flagged, and answered later"],
  ["undo", ["u"], "undo the last answer, as often as you like"],
  ["next", ["ArrowRight", "j"], "next card"],
  ["previous", ["ArrowLeft", "k"], "card before"],
  ["up", ["ArrowUp"], "card above"],
  ["down", ["ArrowDown"], "card below"],
  ["jump", ["f"], "show a letter on each card, and go to the one whose letter is pressed next"],
  ["next_page", ["PageDown", "n"], "next page, without an answer for what is open"],
  ["previous_page", ["PageUp", "p"], "page before"],
  ["next_group", ["]"], "next class"],
  ["previous_group", ["["], "class before"],
  ["zoom", ["z"], "large scan; the same key closes it"],
  ["glyph", ["g"], "glyph of the card: what the network saw"],
  ["glyphs", ["Shift+g"], "glyphs of all cards"],
  ["filter", ["/"], "show only some rows: by class, status, answer, path"],
  ["help", ["h", "F1"], "these keys"],
].map(([name, keys, text]) => ({ name, keys, text }));

const NAMES = { ArrowRight: "→", ArrowLeft: "←", ArrowUp: "↑", ArrowDown: "↓", PageDown: "Page Down", PageUp: "Page Up" };
const isLetterKey = (key) => /^(Shift\+)?[a-z]$/.test(key);

/** The letter on each card after `jump`: none that is mistaken for another. */
export const JUMP_LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ";

/** How long the rest of a name that is already taken may be typed on, in milliseconds. */
const REST_OF_NAME = 1000;

export class Keys {
  typed = "";
  isJumping = false;
  #taken = { rest: "", at: 0 };

  /** Keys for labelling with these classes. */
  constructor(classes) {
    this.classes = classes;
    const taken = new Set(COMMANDS.flatMap(({ keys }) => keys));
    const isFree = (name) => name.length === 1 && name !== " " && !taken.has(name.toLowerCase());
    this.isTyping = !classes.every(isFree); // then a command that is a letter needs Alt
  }

  /** How labels are given, in a sentence. */
  get howTo() {
    return this.isTyping
      ? "The first letters of a class label the card, as soon as no other class begins with them; Enter takes a name as it is typed."
      : `Labels: ${this.classes.join(" ")}`;
  }

  /** The commands with the keys that a person presses, for the help and the buttons. */
  commands() {
    const spell = (key) => (this.isTyping && isLetterKey(key) ? "Alt+" : "") + (NAMES[key] ?? key);
    return COMMANDS.map((command) => ({ ...command, keys: command.keys.map(spell) }));
  }

  /** What a pressed key asks for: `[command, argument]`, or null. */
  read(event) {
    const isAltGraph = event.getModifierState("AltGraph"); // some keyboards have [ and ] on it
    if ((event.ctrlKey || event.metaKey) && !isAltGraph) return null;
    const isAlt = event.altKey && !isAltGraph;
    if (["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock"].includes(event.key)) return null;
    if (this.isJumping) {
      this.isJumping = false;
      return ["go", JUMP_LETTERS.indexOf(event.key)];
    }
    const label = isAlt ? null : this.label(event);
    if (label) return label;
    const key = spelled(event, isAlt);
    const command = COMMANDS.find(({ keys }) => keys.includes(key));
    if (!command || isAlt !== (this.isTyping && isLetterKey(key))) return null;
    this.isJumping = command.name === "jump";
    this.typed = "";
    return [command.name];
  }

  /** What a key asks for that is a label, or a part of one, or null. */
  label(event) {
    return this.isTyping ? this.#type(event) : this.#labelOf(event.key);
  }

  #labelOf(key) {
    const name = this.classes.includes(key) ? key : this.classes.find((name) => same(name, key));
    return name === undefined ? null : ["label", name];
  }

  #type({ key, shiftKey, timeStamp }) {
    const isNew = this.typed === "";
    if (isNew && (key === " " || key === "Enter" || key === "Backspace")) return null;
    if (key === "Backspace") return this.#show(this.typed.slice(0, -1));
    if (key === "Escape") return this.#show("");
    if (key === "Enter" && !shiftKey) {
      const name = this.#labelOf(this.typed)?.[1];
      return name === undefined ? ["say", `No class is called “${this.typed}”.`] : this.#take(name, timeStamp);
    }
    if (key.length !== 1) return null;
    if (isNew && this.#isRestOfName(key, timeStamp)) return ["typed"];
    const found = this.#beginningWith(this.typed + key);
    if (found.length === 1) return this.#take(found[0], timeStamp, this.typed.length + 1);
    if (found.length > 1) return this.#show(this.typed + key);
    return /[\p{L}\p{N}]/u.test(key) || !isNew ? ["say", `No class begins with “${this.typed}${key}”.`] : null;
  }

  #beginningWith(text) {
    const exactly = this.classes.filter((name) => name.startsWith(text));
    return exactly.length ? exactly : this.classes.filter((name) => same(name.slice(0, text.length), text));
  }

  // Who types a whole name has its last letters taken as part of it, not as the next card's label.
  #isRestOfName(key, at) {
    const { rest, at: before } = this.#taken;
    if (!rest || at - before > REST_OF_NAME || !same(rest[0], key)) return false;
    this.#taken = { rest: rest.slice(1), at };
    return true;
  }

  #take(name, at, length = name.length) {
    this.typed = "";
    this.#taken = { rest: name.slice(length), at };
    return ["label", name];
  }

  #show(typed) {
    this.typed = typed;
    return ["typed"];
  }
}

const same = (one, other) => one.toLowerCase() === other.toLowerCase();

function spelled({ key, code, shiftKey }, isAlt) {
  if (key === " ") return "Space";
  // Alt and a letter give another character on a Mac.
  const letter = isAlt && !/^[a-z]$/i.test(key) ? code.replace(/^Key/, "") : key;
  if (/^[a-z]$/i.test(letter)) return (shiftKey ? "Shift+" : "") + letter.toLowerCase();
  return (shiftKey && key.length > 1 ? "Shift+" : "") + key;
}
