// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What following a token adds to a head's figure.

/** Draws what it means to follow `active` (null: nothing), and the chosen `target`, into .marks. */
function mark(root, sentence, index, view, active, target, colours) {
  const marks = root.querySelector(".marks");
  marks.replaceChildren();
  root.querySelector(".cells").setAttribute(
      "opacity", view === "lines" && active !== null ? 0.15 : 1);
  for (const label of root.querySelectorAll(".labels [data-row], .labels [data-column]")) {
    const at = Number(label.dataset.row ?? label.dataset.column);
    const colour = at !== active ? null : "row" in label.dataset ? colours.looks : colours.looked;
    label.setAttribute("fill", colour ?? colours.text);
    label.setAttribute(
        "font-weight", colour || (at === target && "column" in label.dataset) ? 700 : 400);
  }
  if (active === null) return;
  if (view === "lines")
    markLines(marks, root.places, sentence, index, active, colours);
  else
    markMatrix(marks, root.places, sentence, active, target, colours);
}

function markLines(marks, places, sentence, index, active, colours) {
  sentence.column(index, active).forEach((weight, m) => {
    if (weight >= 0.01 && m !== active)
      marks.append(curve(places, m, active, weight, colours.looked));
  });
  sentence.row(index, active).forEach((weight, n) => {
    if (weight >= 0.01) marks.append(curve(places, active, n, weight, colours.looks));
  });
}

function markMatrix(
    marks, {cell, left, top, side, named, label}, sentence, active, target, colours) {
  const at = active * cell;
  const frame = (x, y, width, height, stroke, wide) => marks.append(svg("rect", {
    x: round(x),
    y: round(y),
    width: round(width),
    height: round(height),
    rx: 2,
    fill: "none",
    stroke,
    "stroke-width": wide
  }));
  frame(left + at, top, cell, side, colours.looked, 1.5);
  frame(left, top + at, side, cell, colours.looks, 2);
  if (target !== null)
    frame(left + target * cell - 1, top + at - 1, cell + 2, cell + 2, colours.text, 2.5);
  if (named) return;
  const name = shortened(sentence.tokens[active]);
  marks.append(text(left - 6, round(top + at + cell / 2 + 4), name, {
    "text-anchor": "end",
    fill: colours.looks,
    textLength: textWidth(name, 12) > label ? label : textWidth(name, 12)
  }));
}
