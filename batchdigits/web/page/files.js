/* Images that a person chooses, drops or pastes: a list of `{ path, file }`, in natural order. */

const LITTER = /^(\._|~\$|\.)|~$/; // in front of and behind the names of files that systems and programs leave

/** Those of an input, of files or of a folder. */
export function chosen(input) {
  const isFolder = input.webkitdirectory;
  const found = Array.from(input.files, (file) => ({ path: file.webkitRelativePath || file.name, file }));
  input.value = ""; // so that the same ones can be chosen again
  return inOrder(isFolder ? found.filter(isImage) : found);
}

/** Those that were dropped or pasted; folders with all that is in them. */
export async function given(transfer) {
  const entries = Array.from(transfer.items, (item) => item.kind === "file" && item.webkitGetAsEntry?.());
  if (!entries.some(Boolean)) return inOrder(Array.from(transfer.files, (file) => ({ path: file.name, file })));
  const found = [];
  for (const entry of entries.filter(Boolean)) {
    if (entry.isDirectory) found.push(...(await walk(entry)).filter(isImage));
    else found.push(await fileOf(entry));
  }
  return inOrder(found);
}

async function walk(folder) {
  const found = [];
  const reader = folder.createReader();
  for (;;) {
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // some at a time
    if (entries.length === 0) return found;
    for (const entry of entries) {
      if (entry.isDirectory) found.push(...(await walk(entry)));
      else found.push(await fileOf(entry));
    }
  }
}

async function fileOf(entry) {
  const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
  return { path: entry.fullPath.replace(/^\//, ""), file };
}

function isImage({ file }) {
  return file.type.startsWith("image/") && !LITTER.test(file.name);
}

function inOrder(found) {
  const keys = new Map(found.map((one) => [one, naturalKey(one.path)]));
  return found.sort((one, other) => (keys.get(one) < keys.get(other) ? -1 : keys.get(one) > keys.get(other) ? 1 : 0));
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
