// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Figures as SVG with colours written out, so that an exported file looks as the page does.

const VECTOR_CELLS = 48 * 48;  // up to here a matrix is drawn as rectangles, from here as an image

/** A head's weights as a canvas of one pixel per weight. */
function paint(canvas, sentence, index, colours) {
  const size = sentence.size;
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  const image = context.createImageData(size, size);
  const begin = index * size * size;
  for (let i = 0; i < size * size; i++) {
    const [r, g, b] = colours.ramp[step(sentence.weights[begin + i])];
    image.data.set([r, g, b, 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** The same as an SVG image of `side` pixels, scaled up by whole numbers so that it stays crisp. */
function picture(x, y, side, sentence, index, colours) {
  const small = paint(document.createElement("canvas"), sentence, index, colours);
  const times = Math.max(1, Math.ceil((2 * side) / sentence.size));
  const large = document.createElement("canvas");
  large.width = large.height = times * sentence.size;
  const context = large.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, large.width, large.height);
  return svg("image", {x, y, width: side, height: side, href: large.toDataURL("image/png")});
}

/** The places of a head's figure, in its own units. */
function layout(sentence, view) {
  const size = sentence.size;
  const cell = view === "lines" ? Math.min(26, Math.max(11, 420 / size)) : Math.min(29, 432 / size);
  const font = Math.min(12.5, cell * 0.85);
  const named = font >= 7;
  const widest = Math.max(...sentence.tokens.map((t) => textWidth(shortened(t), 12.5)));
  const label = (named ? Math.min(widest, 120) : 84) + 8;
  return {
    size,
    cell,
    font,
    named,
    label,
    left: label + 2,
    top: 40 + (named ? label * 0.8 : 8),
    side: size * cell
  };
}

/**
 * The figure of a head: an SVG whose group .marks belongs to whoever follows a token. Its `places`
 * tell where the cells are.
 */
function headFigure(sentence, index, view, colours) {
  const places = layout(sentence, view);
  const {layer, head, kind, entropy} = HEADS[index];
  const title = `Layer ${layer} head ${head}`;
  const root = view === "lines" ? linesFigure(sentence, index, places, colours) :
                                  matrixFigure(sentence, index, places, colours);
  const caption = text(2, 16, title, {"font-size": 14, "font-weight": 600, fill: colours.text});
  const more = text(
      2 + textWidth(title, 14) * 1.1 + 10, 16, `${kind}, entropy ${entropy.toFixed(2)} nats`,
      {fill: colours.dim});
  root.prepend(svg("g", {class: "caption"}, caption, more));
  root.setAttribute("role", "img");
  root.setAttribute(
      "aria-label", `${title}: weights of ${sentence.size} queries over ${sentence.size} keys`);
  root.places = places;
  return root;
}

function matrixFigure(sentence, index, places, colours) {
  const {size, cell, left, top, side} = places;
  const root = svgRoot(left + side + places.label * 0.62 + 4, top + side + 44);
  const cells = svg("g", {class: "cells"});
  if (size * size <= VECTOR_CELLS) {
    const gap = cell > 12 ? 1.5 : 0.5;
    cells.append(
        svg("rect", {x: left, y: top, width: side, height: side, fill: css(colours.ramp[0])}));
    for (let m = 0; m < size; m++)
      for (let n = 0; n < size; n++)
        drawCell(
            cells, sentence.weight(index, m, n), left + n * cell, top + m * cell, cell, gap,
            colours);
  } else
    cells.append(picture(left, top, side, sentence, index, colours));
  root.append(
      cells, matrixLabels(sentence, places, colours),
      legend(left, top + side + 14, Math.min(200, side), colours), svg("g", {class: "marks"}));
  return root;
}

function drawCell(cells, weight, x, y, cell, gap, colours) {
  const colour = colours.ramp[step(weight)];
  if (weight >= 0.002)
    cells.append(svg("rect", {
      x: round(x + gap / 2),
      y: round(y + gap / 2),
      width: round(cell - gap),
      height: round(cell - gap),
      rx: gap,
      fill: css(colour)
    }));
  if (weight >= 0.095 && cell >= 21)
    cells.append(text(
        round(x + cell / 2), round(y + cell / 2 + 3.5),
        weight >= 0.995 ? "1" : weight.toFixed(2).slice(1), {
          "font-size": 9.5,
          "text-anchor": "middle",
          fill: bright(colour) ? "#10161d" : "#ffffff",
        }));
}

function matrixLabels(sentence, {cell, font, named, left, top}, colours) {
  const labels = svg("g", {class: "labels", fill: colours.text});
  if (!named) return labels;
  sentence.tokens.forEach((token, i) => {
    const at = (i + 0.5) * cell;
    const x = left + at + font * 0.3;
    labels.append(
        text(
            left - 6, round(top + at + font * 0.35), shortened(token),
            {"text-anchor": "end", "font-size": round(font), "data-row": i}),
        text(round(x), top - 6, shortened(token), {
          "font-size": round(font),
          transform: `rotate(-52 ${round(x)} ${round(top - 6)})`,
          "data-column": i
        }),
    );
  });
  return labels;
}

function legend(x, y, width, colours) {
  const group = svg("g", {class: "legend", fill: colours.dim});
  const steps = 64;
  for (let i = 0; i < steps; i++)
    group.append(svg("rect", {
      x: round(x + (i * width) / steps),
      y,
      width: round(width / steps + 0.5),
      height: 8,
      fill: css(colours.ramp[Math.round((i / (steps - 1)) * 255)])
    }));
  group.append(svg("rect", {x, y, width, height: 8, fill: "none", stroke: colours.line}));
  for (const weight of [0, 0.05, 0.2, 0.5, 1])
    group.append(text(
        round(x + Math.sqrt(weight) * width), y + 20,
        weight === 0 || weight === 1 ? `${weight}` : `${weight}`.slice(1),
        {"font-size": 10, "text-anchor": "middle"}));
  group.append(
      text(x + width + 14, y + 8, "weight of a key (across) in a query's row", {"font-size": 10}));
  return group;
}

function linesFigure(sentence, index, places, colours) {
  const {size, cell, font} = places;
  places.left = places.label + 4;
  places.right = places.left + 270;
  places.top = 54;
  const root = svgRoot(places.right + Math.max(places.label, 70) + 6, places.top + size * cell + 8);
  const lines = svg("g", {class: "cells", fill: "none"});
  for (let m = 0; m < size; m++)
    for (let n = 0; n < size; n++) {
      const weight = sentence.weight(index, m, n);
      if (weight >= 0.03)
        lines.append(curve(places, m, n, weight, css(colours.ramp[Math.max(90, step(weight))])));
    }
  const labels = svg("g", {class: "labels", fill: colours.text});
  sentence.tokens.forEach((token, i) => {
    const y = round(places.top + (i + 0.5) * cell + font * 0.35);
    labels.append(
        text(
            places.left - 6, y, shortened(token),
            {"text-anchor": "end", "font-size": round(font), "data-row": i}),
        text(places.right + 6, y, shortened(token), {"font-size": round(font), "data-column": i}),
    );
  });
  labels.append(
      text(
          places.left - 6, 42, "looks", {"text-anchor": "end", "font-size": 11, fill: colours.dim}),
      text(places.right + 6, 42, "is looked at", {"font-size": 11, fill: colours.dim}),
  );
  root.append(lines, labels, svg("g", {class: "marks", fill: "none"}));
  return root;
}

function curve({left, right, top, cell}, from, to, weight, colour) {
  const [y, z] = [top + (from + 0.5) * cell, top + (to + 0.5) * cell];
  const [a, b] = [left + 80, right - 80];
  return svg("path", {
    d: `M${left} ${round(y)}C${a} ${round(y)} ${b} ${round(z)} ${right} ${round(z)}`,
    fill: "none",
    stroke: colour,
    "stroke-width": round(0.6 + 3.4 * weight),
    "stroke-opacity": round(0.15 + 0.85 * Math.sqrt(weight)),
  });
}

/** Every head that `order` lists, `columns` to a row, as one figure. */
function overviewFigure(sentence, order, columns, colours) {
  const [side, gap, caption, left, top] = [64, 8, 14, 10, 44];
  const rows = Math.ceil(order.length / columns);
  const root =
      svgRoot(left * 2 + columns * (side + gap) - gap, top + rows * (side + caption + gap));
  root.append(
      text(left, 18, DATA.title, {"font-size": 14, "font-weight": 600, fill: colours.text}));
  root.append(text(
      left, 35, shortened(sentence.tokens.join(" "), 120), {"font-size": 11, fill: colours.dim}));
  order.forEach((index, i) => {
    const [x, y] = [
      left + (i % columns) * (side + gap), top + Math.floor(i / columns) * (side + caption + gap)
    ];
    const {layer, head, kind} = HEADS[index];
    const sign = icon(kind, colours.dim);
    for (const [key, value] of Object.entries(
             {x: x + side - 10, y: y + side + 3, width: 10, height: 10}))
      sign.setAttribute(key, value);
    root.append(
        picture(x, y, side, sentence, index, colours),
        text(x, y + side + 12, `${layer}.${head}`, {"font-size": 10, fill: colours.dim}), sign);
  });
  return root;
}
