// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which head leads from one token to another.

function drawEnds() {
  const options = () =>
      [html("option", {value: ""}, "…"),
       ...current().tokens.map((token, i) => html("option", {value: i}, `${token}  (${i})`))];
  $("from").replaceChildren(...options());
  $("to").replaceChildren(...options());
}

function drawPair() {
  $("from").value = state.from ?? "";
  $("to").value = state.to ?? "";
  if (!hasPair()) {
    $("answer").textContent =
        "Choose two tokens, here or in the sentence: the head that leads from one to the other is named.";
    $("ranking").replaceChildren();
    return;
  }
  const sentence = current();
  const ranking = sentence.ranking(state.from, state.to);
  const best = ranking[0];
  $("answer").replaceChildren(
      `“${sentence.tokens[state.from]}” → “${sentence.tokens[state.to]}”: `,
      html("b", {id: "strongest"}, headName(HEADS[best.index])),
      `, ${shown(best.weight, sentence)} (other tokens: ${shown(best.others, sentence)})`);
  $("ranking").replaceChildren(
      ...ranking.slice(0, 5).map((entry) => html("li", {}, rankButton(entry, sentence))));
}

function rankButton({index, weight, others}, sentence) {
  const {layer, head} = HEADS[index];
  const [bar, rest] = [html("i"), html("i", {class: "rest"})];
  bar.style.width = `${weight * 100}%`;
  rest.style.width = `${others * 100}%`;
  const title = `${headName(HEADS[index])}: this token ${
      shown(weight, sentence)} (orange), the mean of the others ${shown(others, sentence)} (grey)`;
  return html(
      "button", {type: "button", title, onclick: () => change({head: index})},
      html("b", {}, `${layer}.${head}`), html("span", {}, shown(weight, sentence)),
      html("span", {class: "track"}, bar, rest));
}
