# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The page of the compiled encoder's heads, in a real browser that has no network to ask.

ATTN_RUN=build/dev/bin/attn-run python3 -m pytest examples/minilm/test_heads.py
"""

import io
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "utils"))
from browser import Browser  # noqa: E402

BIN = Path(os.environ.get("ATTN_BIN_DIR", ROOT / "build/dev/bin"))
ATTN_RUN = os.environ.get("ATTN_RUN", str(BIN / "attn-run"))
IT, ANIMAL = 10, 2
LARGEST_PAGE = 2_000_000


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page as the command line writes it, of the demo's sentences."""
    path = tmp_path_factory.mktemp("page") / "heads.html"
    program = [sys.executable, str(ROOT / "examples/minilm/heads.py")]
    target = [f"--target={os.environ['ATTN_TARGET']}"] if "ATTN_TARGET" in os.environ else []
    command = [*program, "--attn-run", ATTN_RUN, *target, "-o", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(path.resolve())
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("downloads")) as browser:
        yield browser


class Reader:
    """What a person sees and does."""

    def __init__(self, browser):
        self.browser, self.driver = browser, browser.driver

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.find(selector).text

    def token(self, i):
        return self.find(f"#tokens button:nth-child({i + 1})")

    def head(self, layer, head):
        return self.find(f'#grid [data-head="{layer}.{head}"]')

    def hover(self, element):
        ActionChains(self.driver).move_to_element(element).perform()

    def press(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def list(self, selector):
        """[(token, weight as text)] of a list of followed tokens."""
        rows = self.driver.find_elements(By.CSS_SELECTOR, f"{selector} li")
        return [tuple(span.text for span in row.find_elements(By.TAG_NAME, "span")) for row in rows]


@pytest.fixture
def reader(browser, page):
    browser.open(page)
    yield Reader(browser)
    console, addresses = browser.drain()
    assert console == [] and addresses == []


def test_page_is_small(page):
    assert page.stat().st_size < LARGEST_PAGE


def test_hovering_follows_a_token(reader):
    reader.head(3, 1).click()
    assert reader.text("#name") == "layer 3 head 1"
    assert reader.list("#looks") == []
    reader.hover(reader.token(IT))
    assert reader.text("h3.looks") == "“it” looks at"
    assert reader.list("#looks")[0] == ("animal", "0.640")
    assert len(reader.list("#looked")) == 5
    assert reader.find("#figure [data-row='10']").get_attribute("font-weight") == "700"
    reader.hover(reader.find("h1"))
    assert reader.list("#looks") == []


def test_two_clicks_name_the_strongest_head(reader):
    reader.token(IT).click()
    reader.token(ANIMAL).click()
    assert reader.text("#strongest") == "layer 3 head 1"
    assert reader.text("#answer").startswith("“it” → “animal”: layer 3 head 1, 0.640")
    # Another head has more, 0.647, but gives it to every token.
    second = reader.driver.find_elements(By.CSS_SELECTOR, "#ranking button")[1]
    assert second.text.split() == ["5.11", "0.647"]
    second.click()
    assert reader.text("#name") == "layer 5 head 11"
    assert "head=5.11" in reader.driver.current_url and "from=10&to=2" in reader.driver.current_url
    Select(reader.find("#sort")).select_by_value("pair")
    assert reader.find("#grid button").get_attribute("data-head") == "3.1"
    reader.press(Keys.ESCAPE)
    assert reader.driver.find_elements(By.ID, "strongest") == []
    assert reader.find("#grid button").get_attribute("data-head") == "0.0"


def test_lists_name_the_strongest_head_of_another_sentence(reader):
    Select(reader.find("#sentences")).select_by_index(1)
    Select(reader.find("#from")).select_by_visible_text("it (10)")
    Select(reader.find("#to")).select_by_visible_text("trophy (2)")
    assert reader.text("#strongest") == "layer 3 head 1"
    assert ", 0.576 " in reader.text("#answer")


def test_keyboard_alone_does_the_same(reader):
    reader.driver.execute_script("document.querySelector('#tokens button').focus()")
    reader.press(*[Keys.ARROW_RIGHT] * IT)
    assert reader.text("h3.looks") == "“it” looks at"
    reader.press(Keys.ENTER, *[Keys.ARROW_LEFT] * (IT - ANIMAL), Keys.ENTER)
    assert reader.text("#strongest") == "layer 3 head 1"
    reader.driver.execute_script("document.querySelector('#grid [data-head=\"0.0\"]').focus()")
    reader.press(*[Keys.ARROW_DOWN] * 3, Keys.ARROW_RIGHT)
    assert reader.text("#name") == "layer 3 head 1"


def test_kinds_filter_and_sort(reader):
    def visible():
        buttons = reader.driver.find_elements(By.CSS_SELECTOR, "#grid button")
        return [b.get_attribute("data-head") for b in buttons if b.is_displayed()]

    assert visible() == [f"{layer}.{head}" for layer in range(6) for head in range(12)]
    Select(reader.find("#sort")).select_by_value("kind")
    assert visible()[:2] == ["0.2", "1.8"]
    reader.find("#kinds [data-kind=previous]").click()
    assert visible() == ["0.2"]
    reader.find("#kinds [data-kind=next]").click()
    assert visible() == ["0.2", "1.8"]
    Select(reader.find("#sort")).select_by_value("place")
    assert len(visible()) == 72
    assert "faint" in reader.head(3, 1).get_attribute("class")
    assert "faint" not in reader.head(0, 2).get_attribute("class")


@pytest.mark.parametrize("view", ["matrix", "lines"])
def test_head_is_exported(reader, browser, page, view):
    browser.open(page, f"#head=3.1&from={IT}&to={ANIMAL}&view={view}")
    reader.find("[data-figure=head] [data-suffix=svg]").click()
    root = ElementTree.fromstring(browser.download("layer3-head1.svg"))
    texts = [
        "".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")
    ]
    assert "Layer 3 head 1" in texts and texts.count("animal") == 2
    assert (".64" in texts) == (view == "matrix")
    reader.find("[data-figure=head] [data-suffix=png]").click()
    assert_drawn(browser.download("layer3-head1.png"), 2 * int(root.get("width")))


def test_overview_is_exported(reader, browser):
    reader.find("[data-figure=overview] [data-suffix=svg]").click()
    root = ElementTree.fromstring(browser.download("heads.svg"))
    assert len(list(root.iter("{http://www.w3.org/2000/svg}image"))) == 72
    reader.find("[data-figure=overview] [data-suffix=png]").click()
    assert_drawn(browser.download("heads.png"), 2 * int(root.get("width")))


def assert_drawn(data, width):
    """A PNG of that width with the map's dark and light colours in it, each on a fair share."""
    image = Image.open(io.BytesIO(data))
    assert image.format == "PNG" and image.width == width
    grey = np.asarray(image.convert("L"))
    assert (grey > 230).mean() > 0.2 and (grey < 130).mean() > 0.003


def test_dark_theme_changes_the_map(reader):
    def empty_cell():
        fill = reader.find("#figure .cells rect").get_attribute("fill")
        return sum(int(part) for part in fill.removeprefix("rgb(").removesuffix(")").split(","))

    assert empty_cell() > 3 * 230
    reader.find("#theme").click()
    assert empty_cell() < 3 * 60
    assert reader.find("html").get_attribute("data-theme") == "dark"
