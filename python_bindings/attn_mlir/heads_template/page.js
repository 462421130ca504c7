// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The theme, the address, the exports, and the start of it all.

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  $("theme").textContent = name === "dark" ? "Light" : "Dark";
  colours = palette();
}

function drawAll() {
  drawMaps();
  drawHead();
  markHead();
  follow();
}

/** The view is in the address: a link to the file opens where it was. A frame may refuse. */
function remember() {
  const {layer, head} = HEADS[state.head];
  const parts = [`sentence=${state.sentence}`, `head=${layer}.${head}`];
  for (const end of ["from", "to"])
    if (state[end] !== null) parts.push(`${end}=${state[end]}`);
  if (state.view !== "matrix") parts.push(`view=${state.view}`);
  try {
    history.replaceState(null, "", `#${parts.join("&")}`);
  } catch {
    // Without an address of its own the page works as well.
  }
}

/** What the address asks for, as far as the page has it; else what the maker of the page chose. */
function asked() {
  const wish = new URLSearchParams(location.hash.slice(1));
  const whole = (name, limit) => {
    const text = wish.get(name) ?? "";
    return /^\d+$/.test(text) && Number(text) < limit ? Number(text) : null;
  };
  const found =
      {sentence: whole("sentence", DATA.sentences.length) ?? 0, head: 0, from: null, to: null};
  if (![...wish].length && DATA.start) {
    const {layer, head, from, to} = DATA.start;
    return {...found, head: layer * DATA.heads + head, from, to};
  }
  const named = HEADS.find(({layer, head}) => wish.get("head") === `${layer}.${head}`);
  const size = DATA.sentences[found.sentence].tokens.length;
  const from = whole("from", size);
  const view = wish.get("view") === "lines" ? "lines" : "matrix";
  return {
    ...found,
    head: named?.index ?? 0,
    from,
    to: from === null ? null : whole("to", size),
    view
  };
}

function fileName(figure, suffix) {
  const {layer, head} = HEADS[state.head];
  return figure === "overview" ? `heads.${suffix}` : `layer${layer}-head${head}.${suffix}`;
}

async function exportFigure(name, suffix) {
  const shownHeads = order().filter((index) => state.kinds.has(HEADS[index].kind));
  const figure = name === "overview" ? overviewFigure(current(), shownHeads, COLUMNS, colours) :
                                       $("figure").firstChild;
  save(
      suffix === "svg" ? svgFile(figure, colours) : await pngFile(figure, colours),
      fileName(name, suffix));
}

function drawFrame() {
  const size = `${DATA.layers} layers of ${DATA.heads} heads`;
  $("summary").textContent =
      `${size}; a row of a map is a token that looks, a column one that is looked at`;
  $("notices").textContent = DATA.notices.join(" ");
  $("notices").hidden = !DATA.notices.length;
  DATA.sentences.forEach(({tokens}, i) => {
    $("sentences").append(html("option", {value: i}, shortened(tokens.join(" "), 110)));
  });
  for (const place of document.querySelectorAll(".export"))
    for (const suffix of ["png", "svg"]) place.append(exportButton(place.dataset.figure, suffix));
}

function exportButton(figure, suffix) {
  const title = `save this figure as ${suffix.toUpperCase()}`;
  const onclick = () => exportFigure(figure, suffix);
  return html(
      "button", {type: "button", "data-suffix": suffix, title, onclick}, suffix.toUpperCase());
}

function listenToControls() {
  const chosen = (id, use) => $(id).addEventListener("change", () => use($(id).value));
  chosen("sentences", (value) => change({sentence: Number(value)}));
  chosen("sort", (value) => change({sort: value}));
  for (const end of ["from", "to"])
    chosen(end, (value) => change({[end]: value === "" ? null : Number(value)}));
  for (const view of ["matrix", "lines"]) $(view).addEventListener("click", () => change({view}));
  $("theme").addEventListener("click", () => {
    setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    drawAll();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") change({from: null, to: null, hover: null});
  });
}

function listenToTokens() {
  const tokens = $("tokens");
  const hover = (target) => {
    const at = [...tokens.children].indexOf(target.closest("button"));
    if (at >= 0) change({hover: at});
  };
  const leave = () => change({hover: null});
  tokens.addEventListener("pointerover", (event) => hover(event.target));
  tokens.addEventListener("pointerleave", leave);
  tokens.addEventListener("focusin", (event) => {
    if (event.target.matches(":focus-visible")) hover(event.target);
  });
  tokens.addEventListener("focusout", leave);
  listen(tokens, hover);
}

function start() {
  drawFrame();
  listenToControls();
  listenToTokens();
  listen($("grid"), (button) => change({head: heads.indexOf(button)}));
  setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  Object.assign(state, asked());
  drawTokens();
  drawEnds();
  drawKinds();
  drawPair();
  arrange();
  drawAll();
}

start();
