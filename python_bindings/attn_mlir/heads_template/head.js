// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One head, large, under the pointer.

function drawHead() {
  const sentence = current();
  const head = HEADS[state.head];
  const figure = headFigure(sentence, state.head, state.view, colours);
  $("figure").replaceChildren(figure);
  $("name").textContent = headName(head);
  $("kind").replaceChildren(
      icon(head.kind), html("span", {title: KIND_TEXTS[head.kind]}, head.kind));
  $("numbers").textContent = `entropy ${head.entropy.toFixed(2)} nats (${
      head.spread.toFixed(2)} of the most) · distance ${head.distance.toFixed(1)} · ${
          ["previous", "next", "sink", "local"]
              .map((name) => `${name} ${head[name].toFixed(2)}`)
              .join(" · ")}`;
  for (const view of ["matrix", "lines"]) $(view).setAttribute("aria-pressed", state.view === view);
  figure.addEventListener("pointermove", (event) => {
    const place = placeOf(event, figure);
    if (place?.from !== state.hover) change({hover: place?.from ?? null});
  });
  figure.addEventListener("pointerleave", () => change({hover: null}));
  figure.addEventListener("click", (event) => {
    const place = placeOf(event, figure);
    if (!place) return;
    if (place.to === null)
      pin(place.from);
    else
      change({from: place.from, to: place.to, hover: null});
  });
}

/** The tokens under the pointer: a cell's two, or a label's one. */
function placeOf(event, figure) {
  const {left, right, top, cell, size} = figure.places;
  const box = figure.getBoundingClientRect();
  const scale = figure.viewBox.baseVal.width / box.width;
  const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  const index = (at) =>
      (at >= 0 && at < size * cell ? Math.min(size - 1, Math.floor(at / cell)) : null);
  const [m, n] = [index(y - top), index(x - left)];
  if (state.view === "lines") return m === null ? null : {from: m, to: null};
  if (m !== null && n !== null) return {from: m, to: n};
  if (m !== null && x < left) return {from: m, to: null};
  if (n !== null && y < top && y > 24) return {from: n, to: null};
  return null;
}
