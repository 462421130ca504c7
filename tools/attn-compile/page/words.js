// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Colours of words in a line, for the eye alone, and the meaning of a plan's fields.

const WORDS = new RegExp(
    [
      "(?<comment>//.*)",
      "(?<string>\"(?:[^\"\\\\]|\\\\.)*\")",
      "(?<value>[%@^][\\w.$-]+(?:#\\d+)?)",
      "(?<type>[!#][\\w.]+|\\b(?:tensor|memref|vector|index|ptr|[fi]\\d+|bf16)\\b)",
      "(?<op>\\b[a-z_]\\w*\\.[\\w.]+)",
    ].join("|"),
    "g");

/** The parts of a line as elements; what was searched is marked. */
function paint(text, sought) {
  const parts = document.createDocumentFragment();
  let at = 0;
  const plain = (part, className) => {
    if (!part) return;
    const element = className ? make("span", className) : parts;
    let from = 0;
    for (let i; sought && (i = part.toLowerCase().indexOf(sought, from)) >= 0;
         from = i + sought.length) {
      element.append(part.slice(from, i), make("mark", "", part.slice(i, i + sought.length)));
    }
    element.append(part.slice(from));
    if (className) parts.append(element);
  };
  for (const match of text.matchAll(WORDS)) {
    plain(text.slice(at, match.index));
    plain(match[0], Object.keys(match.groups).find((name) => match.groups[name] !== undefined));
    at = match.index + match[0].length;
  }
  plain(text.slice(at));
  return parts;
}

const FORMS = {
  flash: "a running softmax over blocks of keys: no scores of all queries by all keys in memory",
  unfused: "the scores of all queries by all keys are in memory",
  decode: "few queries: each line of K and V is read once for all heads that share it",
};
const ROOMS = {
  cpu: "vector kernels of the CPU room",
  linalg: "the general way, through linalg",
  nvvm: "tensor-core kernels of the NVVM room",
};
const FIELDS = {
  room: (value) => ROOMS[value],
  form: (value) => FORMS[value],
  lanes: () => "accumulators in a vector",
  query_vectors: () => "vectors of queries in the tile",
  key_rows: () => "keys that share a tile of queries in Q Kᵀ",
  value_rows: () => "channels that share it in P V",
  key_block: () => "keys in one step of the softmax",
  query_group: () => "queries in one parallel task",
  warpgroups: () => "groups of 128 threads that compute, 64 queries each",
  stages: () => "blocks of keys and values in shared memory at once",
  blocks: () => "thread blocks that share all tasks",
  bf16_products: () => "bf16 is multiplied in pairs, the weights P among them rounded to it",
};
