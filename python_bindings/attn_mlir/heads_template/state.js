// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is shown. `change` is the one way to alter it; nothing else decides what to draw again.

const state = {
  sentence: 0,
  head: 0,      // index into HEADS
  from: null,   // the pinned token
  to: null,     // the second one of a pair
  hover: null,  // the token under the pointer or in focus
  view: "matrix",
  sort: "place",
  kinds: new Set(DATA.kinds),
};
const $ = (id) => document.getElementById(id);
let colours;

function html(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick")
      element.addEventListener("click", value);
    else
      element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

const current = () => sentenceAt(state.sentence);
const active = () => state.hover ?? state.from;
const headName = ({layer, head}) => `layer ${layer} head ${head}`;
const hasPair = () => state.from !== null && state.to !== null;

function change(patch) {
  const before = {...state};
  Object.assign(state, patch);
  const changed = (...names) => names.some((name) => state[name] !== before[name]);
  if (changed("sentence")) {
    if (!("from" in patch)) Object.assign(state, {from: null, to: null});
    state.hover = null;
    drawTokens();
    drawMaps();
    drawEnds();
  }
  if (state.sort === "pair" && !hasPair()) $("sort").value = state.sort = "place";
  if (changed("sentence", "head", "view")) drawHead();
  if (changed("sentence", "from", "to")) drawPair();
  if (changed("sentence", "sort", "kinds", "from", "to")) arrange();
  if (changed("head")) markHead();
  follow();
  if (changed("from", "to", "sentence"))
    $("tokens").children[state.to ?? state.from ?? 0].scrollIntoView({block: "nearest"});
  if (!("hover" in patch)) remember();
}
