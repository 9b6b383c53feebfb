/* Requests to the server. Addresses are relative to that of the page, which has the token. */

/** The server is gone, or could not do what is right: the same request is worth sending again. */
export class ServerGone extends Error {}

/** The server refuses the request, and its sentence says why. */
export class Refused extends Error {}

/** How long other tabs may take to say that a name is theirs, in milliseconds. */
const PATIENCE = 100;

/** A name that nothing else has. */
export const newName = () => Math.random().toString(36).slice(2, 10);
const tabs = new BroadcastChannel("tabs");
const isMine = newName();
let tab = (sessionStorage.tab ??= newName());

// A tab that was duplicated begins with a copy of the other's name: whoever comes later takes another one.
tabs.onmessage = ({ data: { name, asker, isTaken } }) => {
  if (name !== tab) return;
  if (!isTaken) tabs.postMessage({ name, asker, isTaken: true });
  else if (asker === isMine) tab = sessionStorage.tab = newName();
};
tabs.postMessage({ name: tab, asker: isMine });
const hasAsked = new Promise((resolve) => setTimeout(resolve, PATIENCE));

/** What tells this browser tab from others; it survives a reload. */
export async function ownTab() {
  await hasAsked;
  return tab;
}

/** The address of a row's scan, its longest side at most `side` pixels. */
export const scanAddress = (row, side) => `scan/${row}?side=${side}`;

/** The same, of a field of a form with more of the page around it. */
export const wideScanAddress = (row, side) => `${scanAddress(row, side)}&wide=1`;

/** The address of a row's glyph. */
export const glyphAddress = (row) => `glyph/${row}`;

/** Ask for JSON; parameters that are null or undefined are left out. */
export function get(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  return request(`${path}?${new URLSearchParams(given)}`);
}

/** Send JSON. */
export function post(path, body) {
  return request(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

/** Why an image is not shown: the server's sentence. */
export async function imageFault(address) {
  try {
    await request(address);
  } catch (fault) {
    if (fault instanceof Refused) return fault.message;
  }
  return "cannot be shown";
}

async function request(address, options) {
  let response, body;
  try {
    response = await fetch(address, options);
    body = await response.json();
  } catch {
    throw new ServerGone("The server does not answer.");
  }
  if (response.ok) return body;
  // 403: a server that was started anew has another token.
  if (response.status === 403) throw new ServerGone("Another server answers at this address.");
  if (response.status >= 500) throw new ServerGone(body.error ?? "The server has a fault.");
  throw new Refused(body.error ?? "The server refuses that.");
}
