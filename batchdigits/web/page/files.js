/* Images that a person chooses, drops or pastes: `{ images, passedOver }`, a list of `{ path, file }` in natural order, and
   how many files of folders are no images. */

// What systems leave beside images, as batchdigits/files/litter.py has it.
const LITTER_FILE = /^(\._|~\$)/;
const LITTER_FOLDER =
  /^(\$recycle\.bin|#recycle|@eadir|\.@__thumb|\.thumbnails|\.ipynb_checkpoints|__macosx|lost\+found|\.appledouble|\.dtrash|\.trash(-\d+|es)?)$/i;

/** Those of an input, of files or of a folder. */
export function chosen(input) {
  const found = Array.from(input.files, (file) => ({ path: file.webkitRelativePath || file.name, file }));
  input.value = ""; // so that the same ones can be chosen again
  return sorted(found);
}

/** Those that were pasted. */
export const pasted = (transfer) => sorted(named(transfer.files));

/** Those that were dropped; folders with all that is in them. */
export async function dropped(transfer) {
  // All are asked for before the first wait, after which the list is empty. Chromium reads folders that are dropped on a
  // page of a file by handles alone, and other browsers know entries alone.
  const items = Array.from(transfer.items).filter((item) => item.kind === "file");
  const handles = items.map((item) => item.getAsFileSystemHandle?.() ?? item.webkitGetAsEntry?.());
  if (!handles.every(Boolean)) return sorted(named(transfer.files));
  const found = [];
  for await (const handle of handles) {
    found.push(...(handle.kind ? await filesOfHandle(handle, handle.name) : await filesOfEntry(handle)));
  }
  return sorted(found);
}

async function filesOfHandle(handle, path) {
  if (handle.kind === "file") return [{ path, file: await handle.getFile() }];
  const found = [];
  for await (const child of handle.values()) found.push(...(await filesOfHandle(child, `${path}/${child.name}`)));
  return found;
}

async function filesOfEntry(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ path: entry.fullPath.replace(/^\//, ""), file }];
  }
  const found = [];
  const reader = entry.createReader();
  for (;;) {
    const children = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // some at a time
    if (children.length === 0) return found;
    for (const child of children) found.push(...(await filesOfEntry(child)));
  }
}

function named(files) {
  return Array.from(files, (file) => ({ path: file.name, file }));
}

function sorted(found) {
  const images = found.filter(isSource);
  const keys = new Map(images.map((image) => [image, naturalKey(image.path)]));
  images.sort((one, other) => (keys.get(one) < keys.get(other) ? -1 : keys.get(one) > keys.get(other) ? 1 : 0));
  return { images, passedOver: found.length - images.length };
}

// A file by itself is always one, and one in a folder if the browser calls it an image.
function isSource({ path, file }) {
  const [, ...parts] = path.split("/");
  const name = parts.pop();
  if (name === undefined) return true;
  return file.type.startsWith("image/") && !LITTER_FILE.test(name) && !parts.some((part) => LITTER_FOLDER.test(part));
}

// Sorts runs of digits by value, so that img2 comes before img10, and the files of a folder together.
function naturalKey(path) {
  return path
    .split("/")
    .map((name) => `${name.replace(/[0-9]+/g, sortableNumber)}\0${name}`)
    .join("\0");
}

function sortableNumber(digits) {
  const number = digits.replace(/^0+/, "");
  return `0${String.fromCharCode(number.length)}${number}`;
}
