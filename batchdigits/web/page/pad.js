/* The pad: draw with a mouse, a pen or a finger. Its paper is white and its ink black, in dark pages too. */

const STROKE = 20; // pixels of 280: about two of a glyph's 28

export class Pad {
  #canvas;
  #context;
  #last = null; // the point that a stroke has reached

  /** A pad on a canvas, which calls `onChange` after each part of a stroke. */
  constructor(canvas, onChange) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { willReadFrequently: true });
    Object.assign(this.#context, { lineWidth: STROKE, lineCap: "round", lineJoin: "round" });
    this.clear();
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.#last = this.#point(event);
      this.#draw([event]);
      onChange();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.#last) return;
      const events = event.getCoalescedEvents?.() ?? [];
      this.#draw(events.length > 0 ? events : [event]);
      onChange();
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (this.#last = null));
  }

  get canvas() {
    return this.#canvas;
  }

  clear() {
    this.#context.fillStyle = "white";
    this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  #draw(events) {
    const context = this.#context;
    context.beginPath();
    context.moveTo(...this.#last);
    for (const event of events) context.lineTo(...(this.#last = this.#point(event)));
    context.stroke();
  }

  #point(event) {
    const box = this.#canvas.getBoundingClientRect();
    const scale = this.#canvas.width / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  }
}
