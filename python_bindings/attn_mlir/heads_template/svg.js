// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// SVG elements, the colours of the theme, and the icons of the kinds.

const SVG = "http://www.w3.org/2000/svg";
const FONT = "system-ui, -apple-system, \"Segoe UI\", Roboto, \"DejaVu Sans\", sans-serif";
function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function svgRoot(width, height) {
  const size = {width: Math.ceil(width), height: Math.ceil(height)};
  return svg("svg", {
    xmlns: SVG,
    ...size,
    viewBox: `0 0 ${size.width} ${size.height}`,
    "font-family": FONT,
  });
}

function text(x, y, content, attributes = {}) {
  return svg("text", {x, y, "font-size": 12, "xml:space": "preserve", ...attributes}, content);
}

const round = (x) => Math.round(x * 100) / 100;

const measure = document.createElement("canvas").getContext("2d");

function textWidth(content, size) {
  measure.font = `${size}px ${FONT}`;
  return measure.measureText(content).width;
}

function shortened(token, limit = 14) {
  const letters = Array.from(token);
  return letters.length > limit ? `${letters.slice(0, limit - 1).join("")}…` : token;
}

// --- colours

/** The colours of the theme: names of page.css, and `ramp`, 256 steps as [r, g, b]. */
function palette() {
  const style = getComputedStyle(document.documentElement);
  const colours = {};
  for (const name of ["panel", "text", "dim", "line", "looks", "looked"])
    colours[name] = style.getPropertyValue(`--${name}`).trim();
  const stops = style.getPropertyValue("--ramp").split(",").map((stop) => {
    const hex = parseInt(stop.trim().slice(1), 16);
    return [hex >> 16, (hex >> 8) & 255, hex & 255];
  });
  colours.ramp = Array.from({length: 256}, (_, i) => {
    const at = (i / 255) * (stops.length - 1);
    const left = Math.min(Math.floor(at), stops.length - 2);
    return stops[left].map((c, k) => Math.round(c + (stops[left + 1][k] - c) * (at - left)));
  });
  return colours;
}

/** Square roots, so that small weights show; the legend says so. */
const step = (weight) => Math.round(Math.sqrt(Math.min(Math.max(weight, 0), 1)) * 255);
const css = ([r, g, b]) => `rgb(${r},${g},${b})`;
const bright = ([r, g, b]) => 0.299 * r + 0.587 * g + 0.114 * b > 140;

// --- icons: what the matrix of each kind looks like, queries down, keys across

const ICONS = {
  previous: "M1 3l2 0M3 5l2 0M5 7l2 0M7 9l2 0M9 11l2 0",
  next: "M3 1l2 0M5 3l2 0M7 5l2 0M9 7l2 0M11 9l1 0",
  sink: "M2 1v10M3 1v10",
  local: "M1 1l10 10M3.5 1l7.5 7.5M1 3.5l7.5 7.5",
  broad: "M2 2v8M4 2v8M6 2v8M8 2v8M10 2v8",
  other: "M3 4h.1M8 2.5h.1M6 7h.1M9.5 9h.1M3 10h.1",
};

function icon(kind, colour = "currentColor") {
  const solid = kind === "broad" || kind === "local" ? 1.6 : 2;
  const root = svg(
      "svg", {class: "icon", viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true"});
  root.append(
      svg("rect", {
        x: 0.5,
        y: 0.5,
        width: 11,
        height: 11,
        rx: 1.5,
        fill: "none",
        stroke: colour,
        "stroke-opacity": 0.45
      }),
      svg("path", {
        d: ICONS[kind],
        fill: "none",
        stroke: colour,
        "stroke-width": solid,
        "stroke-linecap": kind === "other" ? "round" : "butt"
      }),
  );
  return root;
}
