/* The page of `batchdigits export --web`: what is drawn, dropped, pasted or taken is classified here. */

import { showAbout } from "./about.js";
import { hasCamera, takePicture } from "./camera.js";
import { decide, failed } from "./decide.js";
import { byId } from "../common/elements.js";
import { DARK, makeGlyph, run } from "./engine.js";
import { chosen, dropped, pasted } from "./files.js";
import { Pad } from "./pad.js";
import { Unreadable, decode, glyphOf } from "./pixels.js";
import { showNothing, showResult } from "./result.js";
import { Table } from "./table.js";

const PAUSE = 50; // milliseconds of work before the page is drawn
let current = { isOver: true }; // the run over several images; a new one ends it
let awaited = null; // what was dropped and is still read, unless something was chosen since
let wanted = null; // what to show large: the pad, a picture, or an image, which may still be decoded

const pad = new Pad(byId("pad"), () => {
  wanted = pad;
  requestAnimationFrame(showPad);
});

function showPad() {
  if (wanted === pad) showResult(decide("", glyphOf(pad.canvas, DARK)));
}

/** Classify an image file. `look` gets the bitmap. */
async function classify({ path, file }, look = () => {}) {
  let bitmap;
  try {
    bitmap = await decode(file);
    const prediction = decide(path, glyphOf(bitmap));
    look(bitmap, prediction);
    return prediction;
  } catch (fault) {
    // An unforeseen error costs one row and not the run.
    return failed(path, fault instanceof Unreadable ? fault.message : `cannot be classified (${fault.name})`);
  } finally {
    bitmap?.close();
  }
}

async function showImage(image) {
  wanted = image;
  const prediction = await classify(image, (bitmap, found) => wanted === image && showResult(found, bitmap));
  if (prediction.status === "error" && wanted === image) showResult(prediction);
}

async function showImages({ images, passedOver }) {
  awaited = null;
  current.isOver = true;
  const mine = (current = { isOver: false });
  byId("alert").hidden = true;
  byId("several").hidden = true;
  if (images.length === 0) return warn("There is no image in it.");
  if (images.length === 1 && passedOver === 0) return showImage(images[0]);
  const table = new Table(images.length, passedOver, (row) => {
    byId("result").scrollIntoView({ block: "nearest" });
    showImage(images[row]);
  });
  byId("stop").hidden = false;
  byId("stop").onclick = () => (mine.isOver = true);
  const done = [];
  let started = performance.now();
  for (const image of images) {
    done.push(await classify(image));
    if (mine.isOver) break;
    if (performance.now() - started < PAUSE) continue;
    table.add(done.splice(0));
    await new Promise((resolve) => setTimeout(resolve));
    started = performance.now();
  }
  if (current !== mine) return; // the table is another's
  table.add(done);
  byId("stop").hidden = true;
}

function warn(text) {
  byId("alert").textContent = text;
  byId("alert").hidden = false;
}

async function useCamera() {
  try {
    const picture = await takePicture();
    if (!picture) return;
    wanted = picture;
    showResult(decide("camera", glyphOf(picture)), picture);
  } catch (fault) {
    warn(`The camera cannot be used: ${fault.message}`);
  }
}

byId("clear").onclick = () => {
  pad.clear();
  wanted = null;
  showNothing();
};
byId("choose-files").onclick = () => byId("files").click();
byId("choose-folder").onclick = () => byId("folder").click();
for (const id of ["files", "folder"]) byId(id).onchange = (event) => showImages(chosen(event.target));
byId("open-camera").hidden = !hasCamera();
byId("open-camera").onclick = useCamera;
byId("about-button").onclick = showAbout;
byId("close-about").onclick = () => byId("about").close();
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  const mine = (awaited = {});
  try {
    const found = await dropped(event.dataTransfer);
    if (awaited === mine) showImages(found);
  } catch (fault) {
    if (awaited === mine) warn(`What was dropped cannot be read: ${fault.message}`);
  }
});
document.addEventListener("paste", (event) => {
  const found = pasted(event.clipboardData);
  if (found.images.length > 0) showImages(found);
});

showNothing();
/** For the console, and for tests. */
globalThis.batchdigits = { classify, decide, makeGlyph, run };
document.body.dataset.ready = "";
