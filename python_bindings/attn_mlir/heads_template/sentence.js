// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The sentence's tokens, and what following one shows beside the figures.

function drawTokens() {
  const buttons = current().tokens.map(
      (token, i) => html(
          "button", {
            type: "button",
            tabindex: i ? -1 : 0,
            title: `${token}, position ${i}`,
            onclick: () => pin(i)
          },
          html("span", {}, token || "∅")));
  $("tokens").replaceChildren(...buttons);
  $("sentences").value = state.sentence;
}

/** A first token is pinned; a second one makes a pair; the pinned one again lets go. */
function pin(i) {
  if (state.from === null)
    change({from: i, hover: null});
  else if (state.from === i)
    change({from: null, to: null, hover: i});
  else
    change({to: state.to === i ? null : i, hover: null});
}

function listen(group, onFocus) {
  group.addEventListener("keydown", (event) => {
    const buttons = [...group.querySelectorAll("button:not([hidden])")];
    const at = buttons.indexOf(document.activeElement);
    const columns = group.id === "grid" ? COLUMNS : buttons.length;
    const move = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -columns,
      ArrowDown: columns,
      Home: -at,
      End: buttons.length - 1 - at
    }[event.key];
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
  mark(
      $("figure").firstChild, sentence, state.head, state.view, at,
      at === state.from ? state.to : null, colours);
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
        return html(
            "li", {"data-token": i},
            html("span", {title: `${sentence.tokens[i]}, position ${i}`}, sentence.tokens[i]),
            html("span", {}, shown(weight, sentence)), bar);
      }));
  list("looks", row);
  list("looked", column);
}

function drawHint(sentence, at) {
  const bold = (i) => html("b", {}, sentence.tokens[i]);
  if (at === null)
    $("hint").textContent =
        "Hover a token to follow it, click to pin it, then click a second one to ask which head links them.";
  else if (state.from !== null && at !== state.from)
    $("hint").replaceChildren(
        `${headName(HEADS[state.head])}: `, bold(state.from), " looks at ", bold(at),
        ` with ${shown(sentence.weight(state.head, state.from, at), sentence)}, `, bold(at), " at ",
        bold(state.from), ` with ${shown(sentence.weight(state.head, at, state.from), sentence)}`);
  else
    $("hint").replaceChildren(
        bold(at), `${at === state.from ? " is pinned (Esc lets go): " : ": "}`,
        html("span", {class: "out"}, "filled"), " is what it looks at, ",
        html("span", {class: "in"}, "underlined"), " is who looks at it.");
}
