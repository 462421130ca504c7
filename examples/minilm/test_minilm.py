# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The compiled encoder against ONNX Runtime, a float64 forward and the tokenizers package.

ATTN_RUN=build/dev/bin/attn-run python3 -m pytest examples/minilm
"""

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tokenizers

import demo
import forward_f64
import model
import reference_onnx
from encoder import Encoder
from sentences import DEMO, TEST
from wordpiece import WordPiece

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("ATTN_BIN_DIR", ROOT / "build/dev/bin"))
ATTN_RUN = os.environ.get("ATTN_RUN", str(BIN / "attn-run"))
TARGET = os.environ.get("ATTN_TARGET")


@pytest.fixture(scope="module")
def weights():
    return model.read_weights()


@pytest.fixture(scope="module")
def reference(weights):
    return reference_onnx.Reference(weights)


@pytest.fixture(scope="module")
def pieces():
    return WordPiece(model.folder() / "vocab.txt")


@pytest.fixture(scope="module")
def exact(weights, pieces):
    """The float64 forward of TEST as one batch: vectors and attention weights."""
    return forward_f64.forward(*pieces.batch(TEST), weights)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return Encoder(ATTN_RUN, TARGET, tmp_path_factory.mktemp("minilm"))


def assert_same_vectors(found, expected):
    assert found.dtype == np.float32 and found.shape == expected.shape
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    assert np.abs(found - expected).max() <= 2e-5
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    assert ((found * expected).sum(1) / lengths).min() >= 0.99999


def test_sentences_are_padded_differently(pieces):
    _, mask = pieces.batch(TEST)
    assert len(TEST) == 20 and len(set(mask.sum(1))) >= 10 and mask.sum(1).min() <= 3


def test_batch_equals_onnxruntime(encoder, reference, pieces):
    ids, mask = pieces.batch(TEST)
    assert_same_vectors(encoder.encode(ids, mask), reference.encode(ids, mask))


@pytest.mark.parametrize("sentence", TEST)
def test_sentence_alone_equals_onnxruntime(encoder, reference, pieces, sentence):
    ids, mask = pieces.batch([sentence])
    assert_same_vectors(encoder.encode(ids, mask), reference.encode(ids, mask))


def test_padding_is_never_read(encoder, pieces):
    """What stands behind a sentence's end changes no bit of its vector."""
    ids, mask = pieces.batch(TEST)
    noise = np.random.default_rng(3).integers(0, len(pieces.tokens), ids.shape)
    other = encoder.encode(np.where(mask, ids, noise), mask)
    np.testing.assert_array_equal(other, encoder.encode(ids, mask))


def assert_same_weights(found, expected, mask):
    assert found.dtype == np.float32 and found.shape == expected.shape
    # A padded query has no meaning, and no bound: nothing reads its row.
    rows = np.abs(found - expected)[:, mask.nonzero()[0], :, mask.nonzero()[1], :]
    assert rows.max() <= 2e-6
    padding = np.broadcast_to(~mask[None, :, None, None, :], found.shape)
    assert np.all(found[padding] == 0)


def test_weights_of_a_batch_equal_float64(encoder, exact, pieces):
    ids, mask = pieces.batch(TEST)
    assert_same_weights(encoder.weights(ids, mask), exact[1], mask)


def test_weights_of_a_sentence_equal_float64(encoder, weights, pieces):
    ids, mask = pieces.batch(TEST[1:2])
    _, expected = forward_f64.forward(ids, mask, weights)
    assert_same_weights(encoder.weights(ids, mask), expected, mask)


def test_sentence_without_tokens_is_zero(encoder, pieces):
    ids, mask = pieces.batch(TEST[:3])
    mask[1] = False
    vectors = encoder.encode(ids, mask)
    assert np.all(vectors[1] == 0) and np.all(np.isfinite(vectors))
    assert np.allclose(np.linalg.norm(vectors[[0, 2]], axis=1), 1, atol=1e-6)


def test_recorded_vectors_are_onnxruntimes(reference, pieces):
    recorded, _ = demo.recorded_vectors()
    assert np.abs(recorded - reference.encode(*pieces.batch(DEMO))).max() <= 1e-6


def test_float64_forward_equals_onnxruntime(reference, exact, pieces):
    expected = reference.encode(*pieces.batch(TEST))
    assert np.abs(exact[0] - expected).max() <= 1e-6


def random_texts(tokens):
    """Text of alphabets that WordPiece treats differently, and of its own tokens."""
    rng = random.Random(5)
    ranges = [(0x20, 0x7F), (0xA0, 0x250), (0x370, 0x530), (0x4E00, 0x4F00), (0xAC00, 0xAD00)]
    alphabet = [chr(c) for low, high in ranges for c in range(low, high)]
    for _ in range(2000):
        yield "".join(
            rng.choice(alphabet) if rng.random() < 0.7 else rng.choice(tokens) + " "
            for _ in range(rng.randrange(16))
        )


def test_wordpiece_equals_tokenizers(pieces):
    theirs = tokenizers.Tokenizer.from_file(str(model.folder() / "tokenizer.json"))
    theirs.no_padding()
    theirs.enable_truncation(512)
    odd = [
        "", "  ", "\t\n", "a\u200bb\x00\x85\u3000\u2028c", "e\u0301 naïve Å ﬁ ß İ ΣΑΣ", "x" * 100,
        "x" * 101, "[MASK] x[SEP]y [ MASK]", "$5~`^|<>+=", "한국어 日本語テキスト 😀", "word " * 600,
    ]  # fmt: skip
    for text in [*DEMO, *TEST, *odd, *random_texts(pieces.tokens)]:
        assert pieces.encode(text) == theirs.encode(text).ids, repr(text)


def run_demo(*arguments):
    command = [sys.executable, str(ROOT / "examples/minilm/demo.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout.strip().splitlines()[-1]


def test_demo_ends_well(tmp_path):
    code, last = run_demo("--attn-run", ATTN_RUN, "--page", str(tmp_path / "heads.html"))
    assert (tmp_path / "heads.html").stat().st_size < 2_000_000
    assert code == 0 and last.startswith("demo: ok, max |difference| ")
    assert last.endswith(" over 6 sentences, it -> animal 0.640 at layer 3 head 1")


@pytest.mark.parametrize("tool", ["/nonexistent/attn-run", "/bin/false"])
def test_demo_that_cannot_run_says_so(tool):
    code, last = run_demo("--attn-run", tool)
    assert code == 2 and last.startswith("demo: FAILED ")
