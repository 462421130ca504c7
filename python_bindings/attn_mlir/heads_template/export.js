// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Figures as files.

function backed(figure, colours) {
  const copy = figure.cloneNode(true);
  const [width, height] = [copy.getAttribute("width"), copy.getAttribute("height")];
  copy.prepend(svg("rect", {width, height, fill: colours.panel}));
  return copy;
}

function svgFile(figure, colours) {
  const xml = new XMLSerializer().serializeToString(backed(figure, colours));
  return new Blob([`<?xml version="1.0" encoding="UTF-8"?>\n${xml}\n`], {type: "image/svg+xml"});
}

/** Twice the size on the page, for papers and slides. */
async function pngFile(figure, colours) {
  const url = URL.createObjectURL(svgFile(figure, colours));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = 2 * figure.getAttribute("width");
    canvas.height = 2 * figure.getAttribute("height");
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((done) => canvas.toBlob(done, "image/png"));
  } finally {
    URL.revokeObjectURL(url);
  }
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
