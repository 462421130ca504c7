// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is shown, and what a person can do with it. `change` is the one way to alter the state.

const state = {
  sentence: 0,
  head: 0, // index into HEADS
  from: null, // the pinned token
  to: null, // the second one of a pair
  hover: null, // the token under the pointer or in focus
  view: "matrix",
  sort: "place",
  kinds: new Set(DATA.kinds),
};
const $ = (id) => document.getElementById(id);
let colours;

function html(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") element.addEventListener("click", value);
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

const current = () => sentenceAt(state.sentence);
const active = () => state.hover ?? state.from;
const headName = ({ layer, head }) => `layer ${layer} head ${head}`;
const hasPair = () => state.from !== null && state.to !== null;

function change(patch) {
  const before = { ...state };
  Object.assign(state, patch);
  const changed = (...names) => names.some((name) => state[name] !== before[name]);
  if (changed("sentence")) {
    if (!("from" in patch)) Object.assign(state, { from: null, to: null });
    state.hover = null;
    drawTokens();
    drawMaps();
    drawEnds();
  }
  if (changed("sentence", "head", "view")) drawHead();
  if (changed("sentence", "from", "to")) drawPair();
  if (changed("sentence", "sort", "kinds", "from", "to")) arrange();
  if (changed("head")) markHead();
  follow();
  if (changed("from", "to", "sentence")) $("tokens").children[state.to ?? state.from ?? 0].scrollIntoView({ block: "nearest" });
  if (!("hover" in patch)) remember();
}

// --- the sentence

function drawTokens() {
  const buttons = current().tokens.map((token, i) =>
    html("button", { type: "button", tabindex: i ? -1 : 0, title: `${token}, position ${i}`, onclick: () => pin(i) }, html("span", {}, token || "∅")));
  $("tokens").replaceChildren(...buttons);
  $("sentences").value = state.sentence;
}

/** A first token is pinned; a second one makes a pair; the pinned one again lets go. */
function pin(i) {
  if (state.from === null) change({ from: i, hover: null });
  else if (state.from === i) change({ from: null, to: null, hover: i });
  else change({ to: state.to === i ? null : i, hover: null });
}

function listen(group, onFocus) {
  group.addEventListener("keydown", (event) => {
    const buttons = [...group.querySelectorAll("button:not([hidden])")];
    const at = buttons.indexOf(document.activeElement);
    const columns = group.id === "grid" ? gridColumns() : buttons.length;
    const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -at, End: buttons.length - 1 - at }[event.key];
    if (move === undefined || at < 0) return;
    event.preventDefault();
    const next = buttons[at + move];
    if (!next) return;
    for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
    next.focus();
    onFocus(next);
  });
}

/** Shows the token that is followed, everywhere at once. */
function follow() {
  const sentence = current();
  const at = active();
  const row = at === null ? null : sentence.row(state.head, at);
  const column = at === null ? null : sentence.column(state.head, at);
  [...$("tokens").children].forEach((button, i) => {
    button.style.setProperty("--out", row ? Math.sqrt(row[i]) : 0);
    button.style.setProperty("--in", column ? Math.sqrt(column[i]) : 0);
    button.classList.toggle("active", i === at);
    button.classList.toggle("pinned", i === state.from);
    button.classList.toggle("target", i === state.to);
    button.setAttribute("aria-pressed", i === state.from || i === state.to);
  });
  const grid = $("grid").style;
  grid.setProperty("--following", at === null ? "none" : "block");
  grid.setProperty("--at", (at ?? 0) / sentence.size);
  grid.setProperty("--step", 1 / sentence.size);
  mark($("figure").firstChild, sentence, state.head, state.view, at, at === state.from ? state.to : null, colours);
  drawLists(sentence, at, row, column);
  drawHint(sentence, at);
}

function drawLists(sentence, at, row, column) {
  const name = at === null ? "a token" : `“${shortened(sentence.tokens[at])}”`;
  document.querySelector("h3.looks").textContent = `${name} looks at`;
  document.querySelector("h3.looked").textContent = `who looks at ${name}`;
  const list = (id, weights) =>
    $(id).replaceChildren(...(weights ? largest(weights, 5) : []).map(([i, weight]) => {
      const bar = html("i");
      bar.style.width = `${Math.min(100, weight * 100)}%`;
      return html("li", { "data-token": i }, html("span", { title: `${sentence.tokens[i]}, position ${i}` }, sentence.tokens[i]), html("span", {}, shown(weight, sentence)), bar);
    }));
  list("looks", row);
  list("looked", column);
}

function drawHint(sentence, at) {
  const bold = (i) => html("b", {}, sentence.tokens[i]);
  if (at === null) $("hint").textContent = "Hover a token to follow it, click to pin it, then click a second one to ask which head links them.";
  else if (state.from !== null && at !== state.from)
    $("hint").replaceChildren(`${headName(HEADS[state.head])}: `, bold(state.from), " looks at ", bold(at), ` with ${shown(sentence.weight(state.head, state.from, at), sentence)}, `, bold(at), " at ", bold(state.from), ` with ${shown(sentence.weight(state.head, at, state.from), sentence)}`);
  else $("hint").replaceChildren(bold(at), `${at === state.from ? " is pinned (Esc lets go): " : ": "}`, html("span", { class: "out" }, "filled"), " is what it looks at, ", html("span", { class: "in" }, "underlined"), " is who looks at it.");
}

// --- all heads

function drawMaps() {
  const sentence = current();
  for (const { index } of HEADS) paint(heads[index].querySelector("canvas"), sentence, index, colours);
}

const heads = HEADS.map((head) =>
  html("button", { type: "button", tabindex: -1, title: `${headName(head)}: ${head.kind}, entropy ${head.entropy.toFixed(2)} nats`, "data-head": `${head.layer}.${head.head}`, onclick: () => change({ head: head.index }) },
    html("span", { class: "map" }, html("canvas")),
    html("span", { class: "caption" }, `${head.layer}.${head.head}`, icon(head.kind)),
    html("span", { class: "gain" })));

const gridColumns = () => Math.min(DATA.heads, 16);

function order() {
  const all = HEADS.map((head) => head.index);
  const by = (key) => all.sort((a, b) => key(HEADS[a]) - key(HEADS[b]) || a - b);
  if (state.sort === "kind") return by((head) => DATA.kinds.indexOf(head.kind));
  if (state.sort === "entropy") return by((head) => head.entropy);
  if (state.sort === "pair" && hasPair()) return current().ranking(state.from, state.to).map((entry) => entry.index);
  return all;
}

/** Places the heads. In layer order the others of a filter stay, faint, where they belong. */
function arrange() {
  const grid = $("grid");
  const rows = state.sort === "place" && DATA.heads === gridColumns();
  grid.style.gridTemplateColumns = `${rows ? "auto " : ""}repeat(${gridColumns()}, minmax(0, 1fr))`;
  const children = [];
  for (const index of order()) {
    const button = heads[index];
    const wanted = state.kinds.has(HEADS[index].kind);
    button.classList.toggle("faint", rows && !wanted);
    button.hidden = !rows && !wanted;
    if (rows && HEADS[index].head === 0) children.push(html("span", {}, `${HEADS[index].layer}`));
    children.push(button);
  }
  grid.replaceChildren(...children);
  const gains = hasPair() ? current().ranking(state.from, state.to) : HEADS.map(({ index }) => ({ index, gain: 0 }));
  for (const { index, gain } of gains) heads[index].style.setProperty("--gain", Math.max(0, gain));
}

function markHead() {
  for (const { index } of HEADS) {
    heads[index].classList.toggle("chosen", index === state.head);
    heads[index].setAttribute("aria-pressed", index === state.head);
    heads[index].tabIndex = index === state.head ? 0 : -1;
  }
}

function drawKinds() {
  const count = (kind) => HEADS.filter((head) => head.kind === kind).length;
  $("kinds").replaceChildren(...DATA.kinds.filter(count).map((kind) =>
    html("button", { type: "button", "data-kind": kind, "aria-pressed": state.kinds.has(kind), title: KIND_TEXTS[kind], onclick: () => toggleKind(kind) }, icon(kind), `${kind} ${count(kind)}`)));
}

const KIND_TEXTS = {
  previous: "each token looks at the one before it",
  next: "each token looks at the one after it",
  sink: "whatever the token, one and the same key gets most",
  local: "tokens at most two places away get most",
  broad: "all tokens get about the same",
  other: "none of these: look at it",
};

/** From all kinds to the one that was clicked; from the last one back to all. */
function toggleKind(kind) {
  const kinds = new Set(state.kinds);
  if (kinds.size === DATA.kinds.length) kinds.clear();
  if (!kinds.delete(kind)) kinds.add(kind);
  change({ kinds: kinds.size ? kinds : new Set(DATA.kinds) });
  drawKinds();
}

// --- the pair

function drawEnds() {
  const options = () => [html("option", { value: "" }, "…"), ...current().tokens.map((token, i) => html("option", { value: i }, `${token}  (${i})`))];
  $("from").replaceChildren(...options());
  $("to").replaceChildren(...options());
}

function drawPair() {
  $("from").value = state.from ?? "";
  $("to").value = state.to ?? "";
  $("sort").querySelector("[value=pair]").disabled = !hasPair();
  if (!hasPair()) {
    if (state.sort === "pair") $("sort").value = state.sort = "place";
    $("answer").textContent = "Choose two tokens, here or in the sentence: the head that leads from one to the other is named.";
    $("ranking").title = "ranked by how much more this token looks there than the others do on average";
  $("ranking").replaceChildren();
    return;
  }
  const sentence = current();
  const ranking = sentence.ranking(state.from, state.to);
  const best = ranking[0];
  $("answer").replaceChildren(`“${sentence.tokens[state.from]}” → “${sentence.tokens[state.to]}”: `, html("b", { id: "strongest" }, headName(HEADS[best.index])), `, ${shown(best.weight, sentence)} (other tokens: ${shown(best.others, sentence)})`);
  $("ranking").title = "ranked by how much more this token looks there than the others do on average";
  $("ranking").replaceChildren(...ranking.slice(0, 5).map((entry) => html("li", {}, rankButton(entry, sentence))));
}

function rankButton({ index, weight, others }, sentence) {
  const { layer, head } = HEADS[index];
  const [bar, rest] = [html("i"), html("i", { class: "rest" })];
  bar.style.width = `${weight * 100}%`;
  rest.style.width = `${others * 100}%`;
  const title = `${headName(HEADS[index])}: this token ${shown(weight, sentence)} (orange), the mean of the others ${shown(others, sentence)} (grey)`;
  return html("button", { type: "button", title, onclick: () => change({ head: index }) },
    html("b", {}, `${layer}.${head}`), html("span", {}, shown(weight, sentence)), html("span", { class: "track" }, bar, rest));
}

// --- one head

function drawHead() {
  const sentence = current();
  const head = HEADS[state.head];
  const figure = headFigure(sentence, state.head, state.view, colours);
  $("figure").replaceChildren(figure);
  $("name").textContent = headName(head);
  $("kind").replaceChildren(icon(head.kind), html("span", { title: KIND_TEXTS[head.kind] }, head.kind));
  $("numbers").textContent = `entropy ${head.entropy.toFixed(2)} nats (${head.spread.toFixed(2)} of the most) · distance ${head.distance.toFixed(1)} · ${["previous", "next", "sink", "local"].map((name) => `${name} ${head[name].toFixed(2)}`).join(" · ")}`;
  for (const view of ["matrix", "lines"]) $(view).setAttribute("aria-pressed", state.view === view);
  figure.addEventListener("pointermove", (event) => {
    const place = placeOf(event, figure);
    if (place?.from !== state.hover) change({ hover: place?.from ?? null });
  });
  figure.addEventListener("pointerleave", () => change({ hover: null }));
  figure.addEventListener("click", (event) => {
    const place = placeOf(event, figure);
    if (!place) return;
    if (place.to === null) pin(place.from);
    else change({ from: place.from, to: place.to, hover: null });
  });
}

/** The tokens under the pointer: a cell's two, or a label's one. */
function placeOf(event, figure) {
  const { left, right, top, cell, size } = figure.places;
  const box = figure.getBoundingClientRect();
  const scale = figure.viewBox.baseVal.width / box.width;
  const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  const index = (at) => (at >= 0 && at < size * cell ? Math.min(size - 1, Math.floor(at / cell)) : null);
  const [m, n] = [index(y - top), index(x - left)];
  if (state.view === "lines") return m === null ? null : { from: m, to: null };
  if (m !== null && n !== null) return { from: m, to: n };
  if (m !== null && x < left) return { from: m, to: null };
  if (n !== null && y < top && y > 24) return { from: n, to: null };
  return null;
}

// --- the theme, the address, the files

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
  const { layer, head } = HEADS[state.head];
  const parts = [`sentence=${state.sentence}`, `head=${layer}.${head}`];
  for (const end of ["from", "to"]) if (state[end] !== null) parts.push(`${end}=${state[end]}`);
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
  const whole = (name, limit) => (/^\d+$/.test(wish.get(name) ?? "") && Number(wish.get(name)) < limit ? Number(wish.get(name)) : null);
  const found = { sentence: whole("sentence", DATA.sentences.length) ?? 0, head: 0, from: null, to: null };
  if (![...wish].length && DATA.start) {
    const { layer, head, from, to } = DATA.start;
    return { ...found, head: layer * DATA.heads + head, from, to };
  }
  const named = HEADS.find(({ layer, head }) => wish.get("head") === `${layer}.${head}`);
  const size = DATA.sentences[found.sentence].tokens.length;
  const from = whole("from", size);
  const view = wish.get("view") === "lines" ? "lines" : "matrix";
  return { ...found, head: named?.index ?? 0, from, to: from === null ? null : whole("to", size), view };
}

function fileName(figure, suffix) {
  const { layer, head } = HEADS[state.head];
  return figure === "overview" ? `heads.${suffix}` : `layer${layer}-head${head}.${suffix}`;
}

async function exportFigure(name, suffix) {
  const shownHeads = order().filter((index) => state.kinds.has(HEADS[index].kind));
  const figure = name === "overview" ? overviewFigure(current(), shownHeads, gridColumns(), colours) : $("figure").firstChild;
  save(suffix === "svg" ? svgFile(figure, colours) : await pngFile(figure, colours), fileName(name, suffix));
}

function start() {
  $("summary").textContent = `${DATA.layers} layers of ${DATA.heads} heads; a row of a map is a token that looks, a column one that is looked at`;
  $("notices").textContent = DATA.notices.join(" ");
  $("notices").hidden = !DATA.notices.length;
  $("sentences").append(...DATA.sentences.map(({ tokens }, i) => html("option", { value: i }, shortened(tokens.join(" "), 110))));
  $("sentences").addEventListener("change", (event) => change({ sentence: Number(event.target.value) }));
  $("sort").addEventListener("change", (event) => change({ sort: event.target.value }));
  for (const end of ["from", "to"])
    $(end).addEventListener("change", (event) => change({ [end]: event.target.value === "" ? null : Number(event.target.value) }));
  for (const view of ["matrix", "lines"]) $(view).addEventListener("click", () => change({ view }));
  $("theme").addEventListener("click", () => {
    setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    drawAll();
  });
  for (const place of document.querySelectorAll(".export"))
    for (const suffix of ["png", "svg"])
      place.append(html("button", { type: "button", "data-suffix": suffix, title: `save this figure as ${suffix.toUpperCase()}`, onclick: () => exportFigure(place.dataset.figure, suffix) }, suffix.toUpperCase()));
  const tokenAt = (target) => [...$("tokens").children].indexOf(target.closest?.("button"));
  const hover = (target) => tokenAt(target) >= 0 && change({ hover: tokenAt(target) });
  $("tokens").addEventListener("pointerover", (event) => hover(event.target));
  $("tokens").addEventListener("pointerleave", () => change({ hover: null }));
  $("tokens").addEventListener("focusin", (event) => event.target.matches(":focus-visible") && hover(event.target));
  $("tokens").addEventListener("focusout", () => change({ hover: null }));
  listen($("tokens"), hover);
  listen($("grid"), (button) => change({ head: heads.indexOf(button) }));
  document.addEventListener("keydown", (event) => event.key === "Escape" && change({ from: null, to: null, hover: null }));
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
