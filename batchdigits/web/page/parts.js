/* What the page carries along: facts about the model, its layers and the WebAssembly, as `export --web` put them in. */

import { byId } from "../common/elements.js";

/** `card` (the model card), `layers` (their number), `scale` and `zero` (of an int8 logit), `version` (of batchdigits). */
export const facts = JSON.parse(byId("page-facts").textContent);

/** The bytes of a part. */
export const bytesOf = (id) => Uint8Array.from(atob(byId(id).textContent), (character) => character.charCodeAt(0));
