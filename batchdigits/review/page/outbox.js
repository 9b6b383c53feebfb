/* One thing after another: keys wait for the answer before them, and an answer is sent until it is on disk. */

import { ServerGone } from "./api.js";
import * as banner from "./banner.js";

const RETRY = 1000; // milliseconds
const PATIENCE = 5000; // milliseconds until it is said that a reply takes long
const RESTART = "If you start batchdigits review again, open the address that it prints.";

const waiting = [];
let isBusy = false;
let unsaved = null; // what the server has not acknowledged, after a first try

/** Do this when all that was asked for before is done. While an answer cannot be saved, it is dropped. */
export async function enqueue(task) {
  if (unsaved) return drop(1);
  waiting.push(task);
  if (isBusy) return;
  isBusy = true;
  while (waiting.length) {
    const tell = setTimeout(sayThatItWaits, PATIENCE);
    try {
      await waiting.shift()();
      banner.clear();
    } catch (fault) {
      console.error(fault);
      banner.warn(`${fault.message} ${didNothing(waiting.splice(0).length)}`);
    } finally {
      clearTimeout(tell);
    }
  }
  isBusy = false;
}

/**
 * Send a request until the server acknowledges or refuses it. `answer` says in words which answer it saves, and is
 * empty where it saves none.
 */
export async function untilAcknowledged(send, answer = "") {
  for (;;) {
    try {
      const reply = await send();
      unsaved = null;
      return reply;
    } catch (fault) {
      if (!(fault instanceof ServerGone)) {
        unsaved = null;
        throw fault;
      }
      unsaved = { answer, fault, dropped: unsaved?.dropped ?? 0 };
      drop(waiting.splice(0).length);
      await new Promise((resolve) => setTimeout(resolve, RETRY));
    }
  }
}

/** Whether a request waits for a server that does not answer. */
export const isStuck = () => unsaved !== null;

function sayThatItWaits() {
  if (!isStuck()) banner.warn("The server takes long to answer. Keys wait.");
}

function drop(number) {
  unsaved.dropped += number;
  const lost = unsaved.answer && `Not saved yet: ${unsaved.answer}.`;
  const texts = [unsaved.fault.message, lost, "Trying again every second.", didNothing(unsaved.dropped), RESTART];
  banner.warn(texts.filter(Boolean).join(" "));
}

function didNothing(number) {
  if (number === 0) return "";
  return number === 1 ? "One key after it did nothing." : `${number} keys after it did nothing.`;
}

window.addEventListener("beforeunload", (event) => {
  if (unsaved?.answer) event.preventDefault();
});
