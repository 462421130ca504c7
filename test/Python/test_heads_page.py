# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""show_heads: what it refuses, what it stores, and pages too large or too odd, in a browser."""

import base64
import html
import json
import re
import xml.etree.ElementTree as ElementTree

import ml_dtypes
import numpy as np
import pytest
from browser import Browser
from selenium.webdriver.common.by import By

from attn_mlir.head_kinds import head_statistics, row_entropy
from attn_mlir.heads_page import show_heads

HOSTILE = [
    "</script><script>document.title='broken'</script>",
    "<img src=x onerror=\"document.title='broken'\">",
    "&amp;\"'`${1}{{data}}",
    "\x00\x1f\ud800\ufffe\u2028",
    "",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 עברית",
]


def random_weights(layers, heads, size, seed=3):
    scores = np.random.default_rng(seed).random((layers, heads, size, size)) ** 4
    return scores / scores.sum(-1, keepdims=True)


def words(size):
    return [f"w{i}" for i in range(size)]


def record_of(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page.html, re.DOTALL)[1])


def decode(sentence, layers, heads):
    size, bits = len(sentence["tokens"]), sentence["bits"]
    whole = np.frombuffer(base64.b64decode(sentence["weights"]), f"<u{bits // 8}")
    factors = np.frombuffer(base64.b64decode(sentence["factors"]), "<f4")
    return (whole.reshape(-1, size) * factors[:, None]).reshape(layers, heads, size, size)


def test_weights_are_stored_to_sixteen_bits():
    weights = random_weights(3, 4, 9)
    record = record_of(show_heads(weights, words(9)))
    found = decode(record["sentences"][0], 3, 4)
    bound = weights.max(-1, keepdims=True) / (2**16 - 1) / 2
    assert np.all(np.abs(found - weights) <= 1.001 * bound + 1e-7)
    assert record["notices"] == [] and record["start"] is None


def test_statistics_are_those_of_head_kinds():
    weights = random_weights(2, 3, 8)
    record, head = record_of(show_heads(weights, words(8))), head_statistics([weights])[1][2]
    assert record["statistics"][1][2]["entropy"] == head.entropy
    assert record["statistics"][1][2]["kind"] == head.kind


@pytest.mark.parametrize("dtype", [np.float16, np.float32, ml_dtypes.bfloat16])
def test_dtypes(dtype):
    weights = random_weights(1, 2, 5).astype(dtype)
    found = decode(record_of(show_heads(weights, words(5)))["sentences"][0], 1, 2)
    assert np.abs(found - weights.astype(np.float64)).max() < 1e-5


def test_rows_without_a_kept_key():
    weights = random_weights(1, 1, 4)
    weights[0, 0, 2] = 0
    found = decode(record_of(show_heads(weights, words(4)))["sentences"][0], 1, 1)
    assert np.all(found[0, 0, 2] == 0) and np.isfinite(found).all()


def test_long_sentence_is_rounded_then_grouped():
    weights, limit = random_weights(4, 4, 400), 400_000
    page = show_heads(weights, words(400), max_bytes=limit)
    record = record_of(page)
    sentence = record["sentences"][0]
    size = len(sentence["tokens"])
    assert limit * 0.6 < len(page.html.encode()) <= limit
    assert sentence["bits"] == 8 and 100 < size < 200 and len(record["notices"]) == 2
    assert " ".join(sentence["tokens"]) == " ".join(words(400))
    assert decode(sentence, 4, 4).sum(-1) == pytest.approx(1, abs=0.02)
    assert record["statistics"][0][0]["entropy"] == head_statistics([weights])[0][0].entropy


def test_middling_sentence_is_only_rounded():
    weights = random_weights(4, 4, 100)
    record = record_of(show_heads(weights, words(100), max_bytes=350_000))
    assert record["sentences"][0]["tokens"] == words(100) and record["sentences"][0]["bits"] == 8
    assert record["notices"] == ["Weights are rounded to 8 bits: read them to two digits."]


def test_sentences_beyond_the_limit_are_left_out_with_a_notice():
    weights = [random_weights(6, 12, 16, seed) for seed in range(40)]
    page = show_heads(weights, [words(16)] * 40, max_bytes=500_000)
    record = record_of(page)
    assert len(page.html.encode()) <= 500_000
    assert (
        record["notices"][-1] == f"The first {len(record['sentences'])} of 40 sentences are shown."
    )


def test_no_room_at_all():
    weights, tokens = random_weights(6, 12, 40), words(40)
    pattern = "^max_bytes: expected at least ([0-9]+), for a page with one sentence, found 10000$"
    with pytest.raises(ValueError, match=pattern) as raised:
        show_heads(weights, tokens, max_bytes=10_000)
    least = int(re.match(pattern, str(raised.value))[1])
    assert len(show_heads(weights, tokens, max_bytes=least).html.encode()) <= least


def test_pair_opens_the_head_that_links_it():
    weights = np.full((2, 3, 6, 6), 1 / 6)
    weights[1, 2, 4] = [0, 1, 0, 0, 0, 0]
    tokens = ["a", "animal", "b", "c", "it", "d"]
    expected = {"layer": 1, "head": 2, "from": 4, "to": 1}
    assert record_of(show_heads(weights, tokens, pair=("it", "animal")))["start"] == expected
    assert record_of(show_heads(weights, tokens, pair=(4, 1)))["start"] == expected


def test_queries_beside_a_cache_are_the_last_tokens():
    weights = random_weights(2, 2, 6)[:, :, 4:]
    record = record_of(show_heads(weights, words(6), pair=("w5", "w0")))
    found = decode(record["sentences"][0], 2, 2)
    assert np.all(found[:, :, :4] == 0) and np.abs(found[:, :, 4:] - weights).max() < 1e-5
    assert record["start"]["from"] == 5 and record["start"]["to"] == 0
    assert record["statistics"][0][1]["entropy"] == pytest.approx(row_entropy(weights)[0, 1].mean())


def test_cross_attention_shows_both_sentences():
    weights = random_weights(2, 2, 5)[:, :, :3]
    record = record_of(show_heads(weights, words(3), keys=list("abcde"), pair=("w1", "c")))
    sentence = record["sentences"][0]
    assert sentence["tokens"] == [*"abcde", *words(3)]
    found = decode(sentence, 2, 2)
    assert np.abs(found[:, :, 5:, :5] - weights).max() < 1e-5
    assert found.sum() == pytest.approx(weights.sum(), rel=1e-4)
    assert (record["start"]["from"], record["start"]["to"]) == (6, 2)
    assert record["statistics"][1][0]["sink"] == head_statistics([weights])[1][0].sink


GOOD = random_weights(2, 2, 3)


@pytest.mark.parametrize(
    ("error", "message", "weights", "tokens", "options"),
    [
        (ValueError, "tokens: expected at least one token, found none", GOOD, [], {}),
        (
            ValueError,
            "weights: expected [2, 2, 4, 4] for the tokens of sentence 0, found [2, 2, 3, 3]",
            GOOD,
            words(4),
            {},
        ),
        (
            ValueError,
            "weights: expected [2, 2, 3, 2] for the tokens of sentence 0, found [2, 2, 3, 3]",
            GOOD,
            words(3),
            {"keys": words(2)},
        ),
        (
            ValueError,
            "weights: expected [layer, head, query, key] for sentence 0, found [2, 3, 3]",
            GOOD[0],
            words(3),
            {},
        ),
        (
            ValueError,
            "keys: expected one for each of 2 sentences, found 1",
            [GOOD, GOOD],
            [words(3), words(3)],
            {"keys": [words(3)]},
        ),
        (
            ValueError,
            "weights: expected one for each of 2 sentences, found 1",
            [GOOD],
            [words(3), words(3)],
            {},
        ),
        (
            ValueError,
            "weights: expected [2, 2] layers and heads in every sentence, found [1, 2] in sentence 1",
            [GOOD, GOOD[:1]],
            [words(3), words(3)],
            {},
        ),
        (TypeError, "weights: expected floating point, found int64", GOOD.astype(int), words(3), {}),
        (ValueError, "weights: expected values in [0, 1] in sentence 0, found others", -GOOD, words(3), {}),
        (
            ValueError,
            "weights: expected values in [0, 1] in sentence 0, found others",
            GOOD * np.nan,
            words(3),
            {},
        ),
        (TypeError, "tokens: expected text, found int", [GOOD], [[1, 2, 3]], {}),
        (ValueError, "pair: expected a token of the first sentence, found 'it'", GOOD, words(3), {"pair": ("it", 0)}),
        (ValueError, "pair: expected a position below 3, found 3", GOOD, words(3), {"pair": (0, 3)}),
        (ValueError, "pair: expected two tokens, found 1", GOOD, words(3), {"pair": (0,)}),
    ],
)  # fmt: skip
def test_wrong_calls(error, message, weights, tokens, options):
    with pytest.raises(error) as raised:
        show_heads(weights, tokens, **options)
    assert str(raised.value) == message


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("downloads")) as browser:
        yield browser


def quiet(browser):
    assert browser.drain() == ([], [])


def test_hostile_tokens_stay_text(browser, tmp_path):
    size = len(HOSTILE)
    page = show_heads(
        random_weights(1, 2, size), HOSTILE, title="<b>{{script}}</b>", path=tmp_path / "page.html"
    )
    assert page.html.count("</script>") == 2
    browser.open(tmp_path / "page.html", "#from=1")
    assert browser.driver.title == "<b>{{script}}</b>"
    shown = browser.driver.find_elements(By.CSS_SELECTOR, "#tokens button")
    assert [button.text for button in shown[:3]] == HOSTILE[:3] and len(shown) == size
    browser.driver.find_element(By.CSS_SELECTOR, "[data-figure=head] [data-suffix=svg]").click()
    root = ElementTree.fromstring(browser.download("layer0-head0.svg"))
    assert {element.tag.split("}")[1] for element in root.iter()} == {"svg", "rect", "g", "text"}
    quiet(browser)


def test_grouped_page_opens_and_says_so(browser, tmp_path):
    path = tmp_path / "page.html"
    show_heads(random_weights(2, 4, 600), words(600), path=path, max_bytes=300_000)
    browser.open(path, "#head=1.3&from=7&to=9")
    notices = browser.driver.find_element(By.ID, "notices").text
    assert "rounded to 8 bits" in notices and "groups of neighbouring tokens" in notices
    assert browser.driver.find_element(By.ID, "name").text == "layer 1 head 3"
    assert browser.driver.find_element(By.CSS_SELECTOR, "#figure image").is_displayed()
    quiet(browser)


@pytest.mark.parametrize(
    "fragment", ["#head=9.9&from=99&to=-1&sentence=5&view=x", "#%00=&from=", "#from=1"]
)
def test_odd_addresses(browser, tmp_path, fragment):
    show_heads(random_weights(2, 3, 4), words(4), path=tmp_path / "page.html")
    browser.open(tmp_path / "page.html", fragment)
    assert browser.driver.find_element(By.ID, "name").text == "layer 0 head 0"
    quiet(browser)


def test_one_token_and_one_head(browser, tmp_path):
    show_heads(np.ones((1, 1, 1, 1)), ["x"], path=tmp_path / "page.html")
    browser.open(tmp_path / "page.html", "#from=0&to=0")
    assert browser.driver.find_element(By.ID, "strongest").text == "layer 0 head 0"
    quiet(browser)


def test_notebook_shows_the_page_in_a_frame(browser, tmp_path):
    frame = show_heads(random_weights(1, 2, 4), words(4))._repr_html_()
    inner = html.unescape(re.search(r'srcdoc="([^"]*)"', frame)[1])
    assert inner.startswith("<!DOCTYPE html>")
    (tmp_path / "notebook.html").write_text(
        f'<!DOCTYPE html><link rel="icon" href="data:,"><body>{frame}', encoding="utf-8"
    )
    browser.open(tmp_path / "notebook.html")
    browser.driver.switch_to.frame(0)
    assert browser.driver.find_element(By.ID, "name").text == "layer 0 head 0"
    browser.driver.find_element(By.CSS_SELECTOR, "#tokens button").click()
    browser.driver.find_element(By.CSS_SELECTOR, "[data-figure=head] [data-suffix=png]").click()
    assert browser.download("layer0-head0.png").startswith(b"\x89PNG")
    browser.driver.switch_to.default_content()
    quiet(browser)


def test_heads_of_a_layer_fill_whole_rows(browser, tmp_path):
    show_heads(random_weights(2, 32, 3), words(3), path=tmp_path / "page.html")
    browser.open(tmp_path / "page.html")
    tops = browser.driver.execute_script(
        "return [...document.querySelectorAll('#grid button')].map((b) => b.getBoundingClientRect().top)"
    )
    assert [tops.count(top) for top in sorted(set(tops))] == [16] * 4
    quiet(browser)
