# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""analyze_heads: what each head of a multi-head attention block does, and what it is worth.

The weights P are those that the compiled block computes; what follows from them is summed here in
double precision. C[h] = P[h] V[g] Wo[h]^T is what head h writes, [rows, Eo], where g is its value
head and Wo[h] its columns of wo; the block's result is y = sum_h C[h] + bo. |.| is the root of the
sum of squares over all rows that count.

    similarity          mean over rows of the cosine of P[h,m] and P[g,m]: what both look at
    output_similarity   <C[h], C[g]> / (|C[h]| |C[g]|): what both write, in [-1, 1]
    contribution        |C[h]| / sum_g |C[g]|: 0 of a dead head, together 1
    drop                |C[h]| / |y|: how far y moves when the head is removed

Pairs need no C: <C[h], C[g]> is the sum over both heads' channels of (O^T O) * (Wo^T Wo), where
O = P V holds all heads side by side.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypedDict

import numpy as np

from .head_kinds import head_statistics

# Elements as MLIR spells them: of the inputs, and of what is summed.
ELEMENTS = {
    "float64": ("f64", "f64"),
    "float32": ("f32", "f32"),
    "float16": ("f16", "f32"),
    "bfloat16": ("bf16", "f32"),
}
ROWS_AT_ONCE = 256  # so that long sentences need no second copy of their weights


class HeadAnalysis(TypedDict):
    """One head of analyze_heads; the formulas stand at the top of the module and of head_kinds."""

    head: int
    kind: str
    entropy: float
    distance: float
    sink_mass: float
    most_similar: int | None
    similarity: float
    most_similar_output: int | None
    output_similarity: float
    contribution: float
    drop: float


@dataclass
class Block:
    """Arguments that have been checked; `biases` is empty or has four, `mask` may be None."""

    x: np.ndarray
    context: np.ndarray | None
    weights: list
    biases: list
    mask: np.ndarray | None
    rope: list
    heads: int
    kv_heads: int

    def elements(self):
        """As MLIR spells them: the elements of the inputs, and of what is summed."""
        return ELEMENTS[self.x.dtype.name]

    @property
    def source(self):
        return self.x if self.context is None else self.context


def analyze_heads(
    x,
    wq,
    wk,
    wv,
    wo,
    *,
    num_heads: int,
    num_kv_heads: int | None = None,
    is_causal: bool = False,
    context=None,
    bq=None,
    bk=None,
    bv=None,
    bo=None,
    mask=None,
    scale: float | None = None,
    softcap: float = 0.0,
    window: tuple[int, int] = (-1, -1),
    rope=None,
    target: str = "cpu",
    threads: int | None = None,
) -> list[HeadAnalysis]:
    """Says of each head of an attention block what it looks at, what it writes, and what it is worth.

    x              [B, M, E]: rows as the block reads them, float64, float32, float16 or bfloat16
    wq, wk, wv, wo [H*D, E], [Hkv*D, Ec], [Hkv*Dv, Ec], [Eo, H*Dv]: weights [out, in], as PyTorch
                   keeps them, of the type of x
    num_heads      H
    num_kv_heads   Hkv, which divides H; H without
    is_causal      keep n <= m
    context        [B, N, Ec]: what keys and values are made of; x without
    bq, bk, bv, bo biases; 0 without
    mask           [B, N] bool, True on tokens: other keys are dropped, and without a context such
                   rows of x do not count
    scale          a number; 1 / sqrt(D) without
    softcap        scores become softcap * tanh(scores / softcap); 0 is no cap
    window         (left, right): keep m - left <= n <= m + right; -1 is no bound
    rope           (cos, sin) [S, R/2] or [B, S, R/2]: Q and K turn by halves before attention
    target         'cpu' (this machine), 'cpu:<name or level>' or 'linalg'
    threads        how many the block may use; as many as there are CPUs without

    Returns a list of dict, one per head. Counted are the rows that keep a key, over the batch.

    head                 its number
    kind                 sink, previous, next, local, broad or other, by head_statistics
    entropy, distance    of what it looks at, in nats and tokens
    sink_mass            the largest share of one key, mean over rows
    most_similar         the other head that looks at the same most, and their `similarity`
    most_similar_output  the other head that writes the same most, and their `output_similarity`;
                         None where there is no other, or this one writes nothing
    contribution         the size of what it writes through wo, as a share of all heads'
    drop                 how far the result moves when it is removed, relative to the result

    ValueError or TypeError names the argument, what was expected and what was found.
    """
    block = check_block(
        x, context, [wq, wk, wv, wo], [bq, bk, bv, bo], mask, rope, num_heads, num_kv_heads
    )
    probabilities = run_block(block, is_causal, scale, softcap, window, target, threads)
    rows = check_rows(block, probabilities)
    look, write, size = pair_sums(block, probabilities, rows)
    statistics = statistics_of(block, probabilities, rows)
    return [one_head(h, statistics[h], look, write, size) for h in range(block.heads)]


def check_rows(block, probabilities):
    """Which rows count, [B, M]: those that keep a key, without padding."""
    rows = probabilities.any(axis=(1, 3))
    if not rows.any():
        raise ValueError("x: expected a row that keeps a key, found none")
    if block.mask is not None and block.context is None:
        rows &= block.mask
    if not np.isfinite(probabilities.swapaxes(1, 2)[rows]).all():
        raise ValueError("x: expected finite attention weights, found others")
    return rows


def one_head(head, statistics, look, write, size):
    """The dict of one head, from sums over pairs of heads and the size of the result."""
    sizes = np.sqrt(np.maximum(np.diagonal(write), 0))
    most_similar, similarity = largest_other(head, look[head])
    twin, output_similarity = None, 0.0
    if sizes[head]:
        cosines = write[head] / np.where(sizes > 0, sizes, np.inf) / sizes[head]
        twin, output_similarity = largest_other(head, cosines)
    total = sizes.sum()
    return {
        "head": head,
        "kind": statistics.kind,
        "entropy": statistics.entropy,
        "distance": statistics.distance,
        "sink_mass": statistics.sink,
        "most_similar": most_similar,
        "similarity": similarity,
        "most_similar_output": twin,
        "output_similarity": output_similarity,
        "contribution": float(sizes[head] / total) if total else 0.0,
        "drop": float(sizes[head] / size) if sizes[head] else 0.0,
    }


def largest_other(head, similarities):
    """The other head with the largest similarity, and that; None and 0 when there is none."""
    if len(similarities) < 2:
        return None, 0.0
    others = similarities.copy()
    others[head] = -np.inf
    return int(others.argmax()), float(others.max())


def pair_sums(block, probabilities, rows):
    """Mean cosines of what heads look at [H, H], <C[h], C[g]> [H, H], and |y|."""
    wv, wo = (w.astype(np.float64) for w in block.weights[2:])
    bv, bo = (b.astype(np.float64) for b in block.biases[2:]) if block.biases else (0.0, 0.0)
    heads, group, size = block.heads, block.heads // block.kv_heads, len(wv) // block.kv_heads
    look = np.zeros((heads, heads))
    gram = np.zeros((heads * size, heads * size))
    squares = 0.0
    for b, p in enumerate(probabilities):
        source = block.source[b].astype(np.float64)
        if block.mask is not None:
            source[~block.mask[b]] = 0  # a dropped key takes no part, whatever it holds
        values = (source @ wv.T + bv).reshape(-1, block.kv_heads, size).swapaxes(0, 1)
        chosen = np.flatnonzero(rows[b])
        for begin in range(0, len(chosen), ROWS_AT_ONCE):
            part = p[:, chosen[begin : begin + ROWS_AT_ONCE]].astype(np.float64)
            output = part @ np.repeat(values, group, axis=0)
            output = output.swapaxes(0, 1).reshape(-1, heads * size)
            gram += output.T @ output
            squares += np.square(output @ wo.T + bo).sum()
            # A row has some weight in one head at least; in others it may have none.
            length = np.sqrt(np.square(part).sum(-1, keepdims=True))
            part /= np.where(length > 0, length, 1)
            part = part.reshape(heads, -1)
            look += part @ part.T
    write = (gram * (wo.T @ wo)).reshape(heads, size, heads, size).sum((1, 3))
    return look / rows.sum(), write, np.sqrt(squares)


def statistics_of(block, probabilities, rows):
    """HeadStatistics of every head, each sentence without its padding."""
    sentences = []
    for b, p in enumerate(probabilities):
        own = p[:, rows[b]]
        if block.mask is not None:
            own = own[:, :, block.mask[b]]
        sentences.append(own[None])
    return head_statistics(sentences)[0]


def run_block(block, is_causal, scale, softcap, window, target, threads):
    """The weights [B, H, M, N] of the compiled block."""
    clauses, scalars = [], []
    element, accumulator = block.elements()
    number = np.float64 if accumulator == "f64" else np.float32
    if scale is not None:
        clauses.append("scale(%scale)")
        scalars.append(("scale", number(scale)))
    if softcap:
        if not softcap > 0:
            raise ValueError(f"softcap: expected a number >= 0, found {softcap}")
        clauses.append("softcap(%softcap)")
        scalars.append(("softcap", number(softcap)))
    if is_causal:
        clauses.append("causal(top_left)")
    if tuple(window) != (-1, -1):
        left, right = window
        if left < -1 or right < -1:
            raise ValueError(f"window: expected two numbers >= -1, found {tuple(window)}")
        clauses.append(f"window({int(left)}, {int(right)})")
    source, arrays = source_of(block, element, accumulator, clauses, scalars)
    return compiled(source, target, threads)(*arrays, *(value for _, value in scalars))[1]


@lru_cache(maxsize=32)
def compiled(source, target, threads):
    # Imported when it is needed, as all compiled code of the package.
    from .executable import compile

    return compile(source, target=target, threads=threads)


def source_of(block, element, accumulator, clauses, scalars, *, returns_weights=True):
    """The block in MLIR, of any batch and length, and the arrays of its tensor arguments."""
    names, types, arrays = [], [], []

    def add(name, array, kind, *dynamic):
        sizes = ["?" if i in dynamic else str(n) for i, n in enumerate(array.shape)]
        names.append(name)
        types.append(f"tensor<{'x'.join([*sizes, kind])}>")
        arrays.append(array)

    def listed(part):
        return ", ".join(f"%{name}" for name in part)

    add("x", block.x, element, 0, 1)
    if block.context is not None:
        add("c", block.context, element, 0, 1)
    for name, array in zip(("wq", "wk", "wv", "wo"), block.weights, strict=True):
        add(name, array, element)
    for name, array in zip(("bq", "bk", "bv", "bo"), block.biases, strict=False):
        add(name, array, element)
    projected = ", ".join(types)
    head = f"heads({block.heads}) kv_heads({block.kv_heads})"
    if block.rope:
        for name, array in zip(("cos", "sin"), block.rope, strict=True):
            add(name, array, ELEMENTS[array.dtype.name][0], *range(array.ndim - 1))
        head += f" rope(%cos, %sin : {types[-2]}, {types[-1]})"
    if block.mask is not None:
        keep = block.mask[:, None, None, :]
        add("keep", keep, "i1", 0, 3)
        clauses = [*clauses, f"keep(%keep : {types[-1]})"]
    arguments = [f"%{name}: {kind}" for name, kind in zip(names, types, strict=True)]
    arguments += [f"%{name}: {accumulator}" for name, _ in scalars]
    results, names_of_results, returns = f"tensor<?x?x{len(block.weights[3])}x{element}>", "%y", ""
    if returns_weights:
        results += f", tensor<?x{block.heads}x?x?x{accumulator}>"
        names_of_results, returns = "%y, %p", "returns(weights)"
    context = "" if block.context is None else " context(%c)"
    biases = " bias(%bq, %bk, %bv, %bo)" if block.biases else ""
    source = f"""func.func @block({", ".join(arguments)}) -> ({results}) {{
  {names_of_results} = attn.mha %x{context} weights({listed(("wq", "wk", "wv", "wo"))}){biases} {head} {" ".join(clauses)}
      {returns} : {projected} -> {results}
  return {names_of_results} : {results}
}}
"""
    return source, arrays


def check_block(x, context, weights, biases, mask, rope, num_heads, num_kv_heads):
    """Every array and head count checked, as a Block."""
    num_kv_heads = num_heads if num_kv_heads is None else num_kv_heads
    for name, count in (("num_heads", num_heads), ("num_kv_heads", num_kv_heads)):
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)):
            raise TypeError(f"{name}: expected an integer, found {type(count).__name__}")
        if count < 1:
            raise ValueError(f"{name}: expected at least 1, found {count}")
    if num_heads % num_kv_heads:
        raise ValueError(
            f"num_kv_heads: expected a divisor of the {num_heads} heads, found {num_kv_heads}"
        )
    x = check_array("x", x, None, (None, None, None))
    context = (
        context if context is None else check_array("context", context, x, (len(x), None, None))
    )
    source = x if context is None else context
    e, inputs = x.shape[2], source.shape[2]
    wq = check_array("wq", weights[0], x, (None, e), num_heads)
    wk = check_array("wk", weights[1], x, (len(wq) // num_heads * num_kv_heads, inputs))
    wv = check_array("wv", weights[2], x, (None, inputs), num_kv_heads)
    wo = check_array("wo", weights[3], x, (None, len(wv) // num_kv_heads * num_heads))
    checked = [wq, wk, wv, wo]
    given = any(bias is not None for bias in biases)
    biases = [
        np.zeros(len(w), x.dtype) if bias is None else check_array(name, bias, x, (len(w),))
        for name, bias, w in zip(("bq", "bk", "bv", "bo"), biases, checked, strict=True)
    ]
    mask = mask if mask is None else check_mask(mask, source.shape[:2])
    rope = check_rope(rope)
    return Block(x, context, checked, biases if given else [], mask, rope, num_heads, num_kv_heads)


def check_array(name, array, like, shape, multiple=1):
    """`array` as numpy of this shape (None: any) and the type of `like`, rows a multiple."""
    array = np.asarray(array)
    if array.dtype.name not in ELEMENTS:
        raise TypeError(f"{name}: expected one of {', '.join(ELEMENTS)}, found {array.dtype.name}")
    if like is not None and array.dtype != like.dtype:
        raise TypeError(f"{name}: expected {like.dtype.name} as x, found {array.dtype.name}")
    fits = array.ndim == len(shape) and all(
        want in (None, size) for want, size in zip(shape, array.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise ValueError(f"{name}: expected shape [{wanted}], found {list(array.shape)}")
    if multiple > 1 and len(array) % multiple:
        raise ValueError(f"{name}: expected rows for {multiple} heads, found {len(array)} rows")
    return array


def check_mask(mask, shape):
    mask = np.asarray(mask)
    if mask.dtype != np.bool_:
        raise TypeError(f"mask: expected bool, found {mask.dtype.name}")
    if mask.shape != shape:
        raise ValueError(f"mask: expected shape {list(shape)}, found {list(mask.shape)}")
    return mask


def check_rope(rope):
    """Both tables, or an empty list; their shapes are the compiler's to judge."""
    if rope is None:
        return []
    tables = [np.asarray(table) for table in rope]
    if len(tables) != 2:
        raise ValueError(f"rope: expected two tables, found {len(tables)}")
    for table in tables:
        if table.dtype.name not in ELEMENTS:
            raise TypeError(f"rope: expected tables of floats, found {table.dtype.name}")
        if table.ndim not in (2, 3):
            raise ValueError(f"rope: expected tables of rank 2 or 3, found {list(table.shape)}")
    return tables
