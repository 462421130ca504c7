// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The page's data, and the questions that are asked of it. heads_page.py says what the record
// holds.

const DATA = JSON.parse(document.getElementById("data").textContent);
const HEADS = Array.from({length: DATA.layers * DATA.heads}, (_, index) => {
  const layer = Math.floor(index / DATA.heads);
  const head = index % DATA.heads;
  return {index, layer, head, ...DATA.statistics[layer][head]};
});

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

/** One sentence: its tokens and its weights, p = q f, f32 [head of all layers][query][key]. */
class Sentence {
  constructor(record) {
    this.tokens = record.tokens;
    this.size = record.tokens.length;
    this.bits = record.bits;
    const quanta = bytesOf(record.weights);
    const factors = new Float32Array(bytesOf(record.factors).buffer);
    const whole = record.bits === 16 ? new Uint16Array(quanta.buffer) : quanta;
    this.weights = new Float32Array(whole.length);
    for (let i = 0; i < whole.length; i++)
      this.weights[i] = whole[i] * factors[Math.floor(i / this.size)];
    // A token that no row belongs to, as in a cache, looks at nothing in any head.
    const looks = (m) => HEADS.some(({index}) => factors[index * this.size + m] > 0);
    this.queries = [...this.tokens.keys()].filter(looks);
  }

  weight(index, from, to) {
    return this.weights[(index * this.size + from) * this.size + to];
  }

  /** What `from` looks at: a weight per key. */
  row(index, from) {
    const begin = (index * this.size + from) * this.size;
    return this.weights.subarray(begin, begin + this.size);
  }

  /** Who looks at `to`: a weight per query. */
  column(index, to) {
    return Float32Array.from(this.tokens, (_, from) => this.weight(index, from, to));
  }

  /**
   * Every head by how much more `from` looks at `to` than the other tokens do, most first: the rule
   * of head_kinds.strongest_head.
   */
  ranking(from, to) {
    return HEADS
        .map(({index}) => {
          const weight = this.weight(index, from, to);
          const rest = this.queries.filter((m) => m !== from);
          const sum = rest.reduce((total, m) => total + this.weight(index, m, to), 0);
          const others = sum / Math.max(1, rest.length);
          return {index, weight, others, gain: weight - others};
        })
        .sort((a, b) => b.gain - a.gain || a.index - b.index);
  }
}

const decoded = new Map();

/** Decoded when first asked for: a page of many sentences opens as fast as one of one. */
function sentenceAt(i) {
  if (!decoded.has(i)) decoded.set(i, new Sentence(DATA.sentences[i]));
  return decoded.get(i);
}

/** The largest entries of a row or column as [position, weight], at most `count`. */
function largest(weights, count) {
  return Array.from(weights, (weight, position) => [position, weight])
      .sort((a, b) => b[1] - a[1] || a[0] - b[0])
      .slice(0, count)
      .filter(([, weight]) => weight > 0);
}

/** As many digits as the stored weights have. */
function shown(weight, sentence) {
  return weight.toFixed(sentence.bits === 16 ? 3 : 2);
}
