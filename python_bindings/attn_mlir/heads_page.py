# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""show_heads: attention weights as one HTML file that needs nothing else.

The page's parts are the files of heads_template, inlined as they are. Its data is a JSON record;
weights lie in it as integers q of 16 bits, or of 8 when the page would grow too large, beside one
f32 factor f per row: p = q f with f = max_n p[n] / (2^bits - 1), so that |error| <= f / 2. When 8
bits are too large as well, neighbouring tokens become groups: the weight of a group is the sum over
its keys of the mean over its queries. Statistics are taken from the weights as given.
"""

import base64
import html
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from .head_kinds import KINDS, head_statistics, strongest_head

TEMPLATE = Path(__file__).resolve().parent / "heads_template"
# In the order in which they are inlined: what stands at the top of one may use those before it.
SCRIPTS = ("data", "svg", "figures", "marks", "export", "state", "sentence", "overview", "pair")
SCRIPTS += ("head", "page")
FRAME_HEIGHT = 900  # of the page inside a notebook, in CSS pixels
LEAST_GROUPS = 16  # fewer rows than this say nothing


class HeadsPage:
    """A page: `html` is its text; a notebook shows it inline; `save` writes it."""

    def __init__(self, text):
        self.html = text

    def save(self, path):
        """Writes the page and returns its absolute path."""
        path = Path(path)
        path.write_text(self.html, encoding="utf-8")
        return path.resolve()

    def _repr_html_(self):
        # Scripts stay inside the frame: they see neither the notebook nor its cookies.
        return (
            f'<iframe srcdoc="{html.escape(self.html)}" width="100%" height="{FRAME_HEIGHT}" '
            'style="border:0" sandbox="allow-scripts allow-downloads" title="attention heads">'
            "</iframe>"
        )


@dataclass(frozen=True)
class Sentence:
    """One sentence of a page: square weights [layer, head, S, S] over all its tokens.

    `given` are the weights without rows and columns that only fill the square; queries stand from
    position `first` on, keys before `keys`.
    """

    weights: np.ndarray
    tokens: list
    given: np.ndarray
    first: int
    keys: int


def show_heads(
    weights, tokens, *, keys=None, path=None, title="Attention heads", pair=None, max_bytes=2**21
):
    """Makes the page on which a person sees what every head looks at.

    weights    one sentence: [layer, head, query, key], rows that sum to 1 (less under a sink
               logit, 0 where no key is kept); numpy, or what numpy.asarray takes. Several
               sentences: a list of such arrays, of the same layers and heads
    tokens     one sentence: its tokens as text, one per key; several: a list of lists. With fewer
               queries than keys, as beside a cache, the queries are the last tokens
    keys       cross-attention: the tokens that are looked at, one per key; `tokens` are the queries
    path       where to write the file; without it nothing is written
    pair       (source, target), texts or positions in the first sentence: the page opens at the
               head that links them most (head_kinds.strongest_head)
    max_bytes  the size that the file stays below; what does not fit is shown coarser or left out,
               and the page says so

    Returns a HeadsPage. ValueError and TypeError name the argument, what was expected and found.
    """
    sentences = check_sentences(weights, tokens, keys)
    layers, heads = sentences[0].given.shape[:2]
    start = check_pair(pair, sentences[0])
    statistics = head_statistics([sentence.given for sentence in sentences])
    record = {
        "title": str(title),
        "layers": layers,
        "heads": heads,
        "kinds": KINDS,
        "statistics": [[asdict(head) for head in layer] for layer in statistics],
        "start": start,
    }
    frame = len(page_text(record | {"sentences": [], "notices": []}).encode())
    shown = [(sentence.weights, sentence.tokens) for sentence in sentences]
    record["sentences"], record["notices"] = fit(shown, max_bytes, frame)
    page = HeadsPage(page_text(record))
    if path is not None:
        page.save(path)
    return page


def check_sentences(weights, tokens, keys):
    """Every argument checked: a list of Sentence."""
    tokens = list(tokens)
    if not tokens:
        raise ValueError("tokens: expected at least one token, found none")
    if isinstance(tokens[0], str):
        weights, tokens, keys = [weights], [tokens], None if keys is None else [keys]
    weights = list(weights)
    keys = [None] * len(tokens) if keys is None else list(keys)
    for name, found in (("weights", weights), ("keys", keys)):
        if len(found) != len(tokens):
            raise ValueError(
                f"{name}: expected one for each of {len(tokens)} sentences, found {len(found)}"
            )
    sentences = []
    for i, (array, queries, looked_at) in enumerate(zip(weights, tokens, keys, strict=True)):
        queries = [readable("tokens", token) for token in queries]
        if looked_at is not None:
            looked_at = [readable("keys", token) for token in looked_at]
        array = check_weights(array, i)
        if sentences and array.shape[:2] != sentences[0].given.shape[:2]:
            raise ValueError(
                f"weights: expected {list(sentences[0].given.shape[:2])} layers and heads in every "
                f"sentence, found {list(array.shape[:2])} in sentence {i}"
            )
        sentences.append(make_sentence(array, queries, looked_at, i))
    return sentences


def check_weights(array, i):
    """Weights as f32 or f64 [layer, head, query, key], each in [0, 1]."""
    array = np.asarray(array)
    if array.dtype.kind != "f" and array.dtype.name != "bfloat16":
        raise TypeError(f"weights: expected floating point, found {array.dtype.name}")
    if array.ndim != 4 or 0 in array.shape:
        raise ValueError(
            f"weights: expected [layer, head, query, key] for sentence {i}, "
            f"found {list(array.shape)}"
        )
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32)
    if not (array.min() >= 0 and array.max() <= 1.001):  # written so that a NaN fails
        raise ValueError(f"weights: expected values in [0, 1] in sentence {i}, found others")
    return array


def make_sentence(given, tokens, keys, i):
    """Fills the square: rows above the queries of a cache, or two sentences side by side."""
    layers, heads, m, n = given.shape
    words = tokens if keys is None else keys + tokens
    wanted = [layers, heads, len(tokens), len(tokens if keys is None else keys)]
    fits = n == wanted[3] and (m <= n if keys is None else m == len(tokens))
    if not fits:
        raise ValueError(
            f"weights: expected {wanted} for the tokens of sentence {i}, found {list(given.shape)}"
        )
    square = given
    if m != len(words):
        square = np.zeros((layers, heads, len(words), len(words)), given.dtype)
        square[:, :, -m:, :n] = given
    if keys is None:
        return Sentence(square, words, square, 0, n)
    return Sentence(square, words, given, n, n)


def readable(name, token):
    """A token of the argument `name` as text that every format can hold: control characters become their pictures."""
    if not isinstance(token, str):
        raise TypeError(f"{name}: expected text, found {type(token).__name__}")

    def visible(c):
        code = ord(c)
        if code < 0x20:
            return chr(0x2400 + code)
        unwritable = 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or code & 0xFFFE == 0xFFFE
        return "\ufffd" if unwritable else c

    return "".join(map(visible, token))


def check_pair(pair, sentence):
    """What the page shows first: the pair and its strongest head, or nothing chosen."""
    if pair is None:
        return None
    pair = list(pair)
    if len(pair) != 2:
        raise ValueError(f"pair: expected two tokens, found {len(pair)}")
    source = position(pair[0], sentence.tokens[sentence.first :]) + sentence.first
    target = position(pair[1], sentence.tokens[: sentence.keys])
    found = strongest_head(sentence.weights, source, target)
    return {"layer": found.layer, "head": found.head, "from": source, "to": target}


def position(end, tokens):
    """Where one end of a pair stands among `tokens`."""
    if isinstance(end, str):
        if end not in tokens:
            raise ValueError(f"pair: expected a token of the first sentence, found '{end}'")
        return tokens.index(end)
    if not 0 <= end < len(tokens):
        raise ValueError(f"pair: expected a position below {len(tokens)}, found {end}")
    return int(end)


def fit(sentences, max_bytes, frame):
    """Records of (weights, tokens) beside a frame of so many bytes, and what that cost as notices."""
    room = max_bytes - frame
    counts = [len(tokens) for _, tokens in sentences]
    longest = max(counts)
    heads = sentences[0][0].shape[0] * sentences[0][0].shape[1]

    def least(limit, bits):
        """Weights and a factor of four bytes per row, in base64: less no record takes."""
        sizes = [min(count, limit) for count in counts]
        return sum(heads * n * (n * bits // 8 + 4) * 4 // 3 for n in sizes)

    if least(longest, 16) <= room:
        records = [record(*sentence, 16) for sentence in sentences]
        if size(records) <= room:
            return records, []
    for limit in group_limits(longest):
        if least(limit, 8) > room and limit > LEAST_GROUPS:
            continue
        records = [record(*group(*sentence, limit), 8) for sentence in sentences]
        if size(records) <= room:
            break
    notices = ["Weights are rounded to 8 bits: read them to two digits."]
    if longest > limit:
        notices.append(
            f"Sentences of more than {limit} tokens are shown in groups of neighbouring tokens; "
            "kinds and entropies are those of single tokens."
        )
    shown = len(records)
    while shown and size(records[:shown]) > room:
        shown -= 1
    if not shown:
        least_bytes = frame + size(records[:1]) + len(script_json(notices))
        raise ValueError(
            f"max_bytes: expected at least {least_bytes}, for a page with one sentence, "
            f"found {max_bytes}"
        )
    if shown < len(records):
        notices.append(f"The first {shown} of {len(records)} sentences are shown.")
    return records[:shown], notices


def group_limits(longest):
    """From the longest sentence as it is down to the fewest groups, by an eighth each time."""
    limit = longest
    while limit > LEAST_GROUPS:
        yield limit
        limit = max(LEAST_GROUPS, limit * 7 // 8)
    yield min(longest, LEAST_GROUPS)


def group(weights, names, limit):
    """Joins neighbouring tokens until at most `limit` are left: means over queries, sums over keys."""
    count = len(names)
    if count <= limit:
        return weights, names
    edges = np.arange(limit) * count // limit
    sizes = np.diff(edges, append=count)
    rows = np.add.reduceat(weights, edges, axis=2) / sizes[:, None]
    joined = [
        " ".join(names[begin : begin + length]) for begin, length in zip(edges, sizes, strict=True)
    ]
    return np.add.reduceat(rows, edges, axis=3), joined


def record(weights, names, bits):
    """One sentence as the page reads it: data.js decodes it."""
    factor = (weights.max(-1) / (2**bits - 1)).astype("<f4")
    safe = np.where(factor > 0, factor, 1).astype(np.float64)[..., None]
    whole = np.empty(weights.shape, f"<u{bits // 8}")
    for layer, divisor, out in zip(weights, safe, whole, strict=True):
        out[...] = np.minimum(np.rint(layer / divisor), 2**bits - 1)
    return {
        "tokens": names,
        "bits": bits,
        "weights": base64.b64encode(whole.tobytes()).decode(),
        "factors": base64.b64encode(factor.tobytes()).decode(),
    }


def size(records):
    return len(script_json(records))


def script_json(value):
    """JSON that cannot end the script element that holds it."""
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e")


def page_text(record):
    parts = {
        "title": html.escape(record["title"]),
        "style": (TEMPLATE / "page.css").read_text(encoding="utf-8"),
        "script": "\n".join(
            (TEMPLATE / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS
        ),
        "data": script_json(record),
    }
    text = (TEMPLATE / "page.html").read_text(encoding="utf-8")
    # One pass, so that no part is searched for the marks of another.
    pieces = text.split("{{")
    out = [pieces[0]]
    for piece in pieces[1:]:
        name, rest = piece.split("}}", 1)
        out += [parts[name], rest]
    return "".join(out)
