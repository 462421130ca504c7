// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every head as a small map: order, filter, the one that is chosen.

function drawMaps() {
  const sentence = current();
  for (const {index} of HEADS)
    paint(heads[index].querySelector("canvas"), sentence, index, colours);
}

const heads = HEADS.map(
    (head) => html(
        "button", {
          type: "button",
          tabindex: -1,
          title: `${headName(head)}: ${head.kind}, entropy ${head.entropy.toFixed(2)} nats`,
          "data-head": `${head.layer}.${head.head}`,
          onclick: () => change({head: head.index})
        },
        html("span", {class: "map"}, html("canvas")),
        html("span", {class: "caption"}, `${head.layer}.${head.head}`, icon(head.kind)),
        html("span", {class: "gain"})));

/** A layer fills whole rows if it can. */
const COLUMNS = DATA.heads <= 20 ?
    DATA.heads :
    [20, 18, 16, 15, 14, 12, 10, 9, 8].find((n) => DATA.heads % n === 0) ?? 16;

function order() {
  const all = HEADS.map((head) => head.index);
  const by = (key) => all.sort((a, b) => key(HEADS[a]) - key(HEADS[b]) || a - b);
  if (state.sort === "kind") return by((head) => DATA.kinds.indexOf(head.kind));
  if (state.sort === "entropy") return by((head) => head.entropy);
  if (state.sort === "pair" && hasPair())
    return current().ranking(state.from, state.to).map((entry) => entry.index);
  return all;
}

/** Places the heads. In layer order the others of a filter stay, faint, where they belong. */
function arrange() {
  const grid = $("grid");
  $("sort").querySelector("[value=pair]").disabled = !hasPair();
  const rows = state.sort === "place" && DATA.heads % COLUMNS === 0;
  grid.style.gridTemplateColumns = `${rows ? "auto " : ""}repeat(${COLUMNS}, minmax(0, 1fr))`;
  const children = [];
  for (const index of order()) {
    const button = heads[index];
    const wanted = state.kinds.has(HEADS[index].kind);
    button.classList.toggle("faint", rows && !wanted);
    button.hidden = !rows && !wanted;
    const {layer, head} = HEADS[index];
    if (rows && head % COLUMNS === 0) children.push(html("span", {}, head ? "" : `${layer}`));
    children.push(button);
  }
  grid.replaceChildren(...children);
  const gains = hasPair() ? current().ranking(state.from, state.to) :
                            HEADS.map(({index}) => ({index, gain: 0}));
  for (const {index, gain} of gains) heads[index].style.setProperty("--gain", Math.max(0, gain));
}

function markHead() {
  for (const {index} of HEADS) {
    heads[index].classList.toggle("chosen", index === state.head);
    heads[index].setAttribute("aria-pressed", index === state.head);
    heads[index].tabIndex = index === state.head ? 0 : -1;
  }
}

function drawKinds() {
  const count = (kind) => HEADS.filter((head) => head.kind === kind).length;
  $("kinds").replaceChildren(...DATA.kinds.filter(count).map(
      (kind) => html(
          "button", {
            type: "button",
            "data-kind": kind,
            "aria-pressed": state.kinds.has(kind),
            title: KIND_TEXTS[kind],
            onclick: () => toggleKind(kind)
          },
          icon(kind), `${kind} ${count(kind)}`)));
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
  change({kinds: kinds.size ? kinds : new Set(DATA.kinds)});
  drawKinds();
}
