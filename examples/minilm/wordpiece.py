# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""WordPiece as BERT's uncased models use it: text to token ids, from vocab.txt alone."""

import re
import unicodedata
from pathlib import Path

import numpy as np

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LONGEST_WORD = 100  # characters; a longer word is unknown
IDEOGRAPHS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


def clean(text):
    """Drops control characters, sets ideographs apart, strips accents, lowers case."""
    out = []
    for c in text:
        if c in "\t\n\r":
            out.append(" ")
        elif c == "\ufffd" or unicodedata.category(c) in ("Cc", "Cf", "Co"):
            continue
        elif any(low <= ord(c) <= high for low, high in IDEOGRAPHS):
            out.append(f" {c} ")
        else:
            out.append(c)
    decomposed = unicodedata.normalize("NFD", "".join(out))
    # Character by character: str.lower() would look at a sigma's neighbours.
    return "".join(c.lower() for c in decomposed if unicodedata.category(c) != "Mn")


def is_punctuation(c):
    """Everything that ASCII prints besides letters and digits counts, $ and ~ too."""
    return unicodedata.category(c)[0] == "P" or (33 <= ord(c) < 127 and not c.isalnum())


def words(text):
    """Splits at white space; each punctuation character is a word of its own."""
    return "".join(f" {c} " if is_punctuation(c) else c for c in clean(text)).split()


class WordPiece:
    def __init__(self, vocabulary):
        lines = Path(vocabulary).read_text(encoding="utf-8").split("\n")
        self.tokens = [line for line in lines if line]
        self.ids = {token: i for i, token in enumerate(self.tokens)}

    def pieces(self, word):
        """Cuts the longest known piece from the left until nothing is left."""
        found, start = [], 0
        while start < len(word):
            prefix = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((e for e in ends if prefix + word[start:e] in self.ids), None)
            if end is None or len(word) > LONGEST_WORD:
                return ["[UNK]"]
            found.append(prefix + word[start:end])
            start = end
        return found

    def encode(self, text, longest=512):
        """[CLS] tokens [SEP] as ids, cut to the model's longest input."""
        tokens = []
        for part in re.split(r"(\[(?:PAD|UNK|CLS|SEP|MASK)\])", text):
            if part in SPECIAL:
                tokens.append(part)
            else:
                tokens += [piece for word in words(part) for piece in self.pieces(word)]
        return [self.ids[t] for t in ["[CLS]", *tokens[: longest - 2], "[SEP]"]]

    def batch(self, texts):
        """Ids [B,S] padded on the right, and the mask that is true on tokens."""
        rows = [self.encode(text) for text in texts]
        ids = np.full((len(rows), max(map(len, rows))), self.ids["[PAD]"], np.int64)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
        lengths = np.array([len(row) for row in rows])
        return ids, np.arange(ids.shape[1]) < lengths[:, None]
