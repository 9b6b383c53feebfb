/* The camera, where the browser has one. */

import { byId } from "../common/elements.js";

let isAsked = false;

/** Whether the browser may have a camera. */
export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

/** Show what the camera sees; resolves to a canvas with the square in its middle, or to null. */
export async function takePicture() {
  if (isAsked) return null; // a second click would leave a camera on
  isAsked = true;
  try {
    return await take(await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }));
  } finally {
    isAsked = false;
  }
}

async function take(stream) {
  const [dialog, video] = [byId("camera"), byId("video")];
  video.srcObject = stream;
  dialog.showModal();
  const taken = await new Promise((resolve) => {
    byId("take").onclick = () => video.videoWidth && resolve(middle(video));
    byId("close-camera").onclick = () => resolve(null);
    dialog.onclose = () => resolve(null); // by Escape
  });
  dialog.close();
  video.srcObject = null;
  stream.getTracks().forEach((track) => track.stop());
  return taken;
}

function middle(video) {
  const side = Math.min(video.videoWidth, video.videoHeight);
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const [left, top] = [(video.videoWidth - side) / 2, (video.videoHeight - side) / 2];
  canvas.getContext("2d").drawImage(video, left, top, side, side, 0, 0, side, side);
  return canvas;
}
