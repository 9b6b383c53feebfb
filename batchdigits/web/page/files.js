/* Images that a person chooses, drops or pastes: a list of `{ path, file }`, in natural order. */

const LITTER = /^(\._|~\$|\.)|~$/; // in front of and behind the names of files that systems and programs leave

/** Those of an input, of files or of a folder. */
export function chosen(input) {
  const isFolder = input.webkitdirectory;
  const found = Array.from(input.files, (file) => ({ path: file.webkitRelativePath || file.name, file }));
  input.value = ""; // so that the same ones can be chosen again
  return inOrder(isFolder ? found.filter(isImage) : found);
}

/** Those that were pasted. */
export const pasted = (transfer) => named(transfer.files);

/** Those that were dropped; folders with all that is in them. */
export async function dropped(transfer) {
  // All are asked for before the first wait, after which the list is empty. Chromium reads folders that are dropped on a
  // page of a file by handles alone, and other browsers know entries alone.
  const items = Array.from(transfer.items).filter((item) => item.kind === "file");
  const handles = items.map((item) => item.getAsFileSystemHandle?.() ?? item.webkitGetAsEntry?.());
  if (!handles.every(Boolean)) return named(transfer.files);
  const found = [];
  for await (const handle of handles) {
    const files = handle.kind ? await filesOfHandle(handle, handle.name) : await filesOfEntry(handle);
    found.push(...(handle.kind === "directory" || handle.isDirectory ? files.filter(isImage) : files));
  }
  return inOrder(found);
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
  return inOrder(Array.from(files, (file) => ({ path: file.name, file })));
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
