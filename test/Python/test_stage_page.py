# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""attn-compile --html: what the page holds, and what a person does with it in a browser."""

import base64
import html
import json
import os
import pathlib
import re
import subprocess
import zlib

import pytest
from browser import Browser
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = pathlib.Path(os.environ.get("ATTN_BIN_DIR", ROOT / "build/dev/bin")) / "attn-compile"
MAX_BYTES = 1_000_000

RULE = """func.func @rule(%q: tensor<1x2x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x8xf32>)
    -> tensor<1x2x?x8xf32> {
  %o = attn.sdpa %q, %k, %v causal(top_left)
    : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x2x?x8xf32>
    score(%s, %b, %h, %m, %n) {
      %third = arith.constant 0.333 : f32
      %r = math.copysign %s, %third : f32
      attn.yield %r : f32
    }
  return %o : tensor<1x2x?x8xf32>
}
"""
# The rule's own line: it is a line of LLVM in the end.
RULE_LINE, RULE_COLUMN = 7, 12

HOSTILE = [
    "</script><script>document.title='broken'</script>",
    "<img src=x onerror=document.title='broken'>",
    "<!--data--><!--script-->&lt;&amp;${1}`",
]


def compile_page(folder, text, *options, code=0, name="f.mlir"):
    """The page of a file and its record."""
    source, page = folder / name, folder / "page.html"
    source.write_bytes(text if isinstance(text, bytes) else text.encode())
    command = [TOOL, source, f"--html={page}", "--target=cpu:x86-64-v3", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert page.stat().st_size < MAX_BYTES
    packed = re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"))[1]
    return page, json.loads(zlib.decompress(base64.b64decode(packed))), done


def lines_at(record, room, line, column):
    """The lines of a room that come from a place of the source."""
    found = next(each for each in record["rooms"] if each["name"] == room)
    ids = [i for i, place in enumerate(record["places"]) if place[1:] == [line, column]]
    lines = found["text"].split("\n")
    return [lines[at - 1] for at, places in found["lines"] if set(places) & set(ids)]


@pytest.fixture(scope="module")
def rule(tmp_path_factory):
    return compile_page(tmp_path_factory.mktemp("rule"), RULE)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("downloads"), size=(1700, 1000)) as opened:
        yield opened


def open_page(browser, page, fragment=""):
    browser.open(page, fragment)
    for _ in range(200):
        if browser.driver.execute_script("return document.documentElement.dataset.ready"):
            return
        browser.driver.execute_async_script("setTimeout(arguments[0], 20)")
    raise AssertionError(browser.drain())


def texts(browser, selector):
    return [each.text for each in browser.driver.find_elements(By.CSS_SELECTOR, selector)]


def test_holds_every_room(rule):
    _, record, done = rule
    assert done.stdout == "" and done.stderr == ""
    rooms = [room["name"] for room in record["rooms"]]
    known = ["input", "raise", "optimize", "split-heads", "fuse", "tile", "linalg", "cpu"]
    assert rooms == known
    assert record["source"] == {"text": RULE.rstrip("\n"), "hidden": 0}
    assert all(
        room["ms"] >= 0 and room["text"].startswith(("module", "#")) for room in record["rooms"]
    )


def test_lines_are_those_of_the_printer(rule):
    """Each op that came from the rule's line is in the line that the page says."""
    _, record, _ = rule
    for room in ("input", "fuse", "tile"):
        found = lines_at(record, room, RULE_LINE, RULE_COLUMN)
        assert len(found) == 1 and "math.copysign" in found[0]
    assert any(
        "llvm.intr.copysign" in line for line in lines_at(record, "cpu", RULE_LINE, RULE_COLUMN)
    )
    for room in record["rooms"]:
        lines = room["text"].split("\n")
        for at, _ in room["lines"]:
            assert re.match(r"\s*(%\S|\w+\.|return|\"|llvm)", lines[at - 1]), lines[at - 1]


def test_passes_remarks_and_plans(rule):
    _, record, _ = rule
    passes = {name: ms for room in record["rooms"] for name, ms in room["passes"]}
    assert passes["attn-cpu-kernels"] > 0 and "attn-fuse-plan" in passes
    total = sum(room["ms"] for room in record["rooms"])
    assert sum(passes.values()) <= total
    plan = next(remark for remark in record["remarks"] if remark["name"] == "Plan")
    assert record["rooms"][plan["room"]]["name"] == "fuse" and plan["reason"]
    fields = dict(record["plans"][0]["fields"])
    assert fields["room"] == "cpu" and fields["form"] == "flash" and int(fields["key_block"]) > 1
    assert f"key_block = {fields['key_block']}" in plan["text"]


def test_follows_an_op_through_all_rooms(browser, rule):
    page, record, _ = rule
    open_page(browser, page)
    shown = texts(browser, ".column h2")
    assert shown == ["source", "input", "fuse", "tile", "cpu"]  # others change nothing
    row = browser.driver.find_element(
        By.XPATH,
        "//section[@data-room='source']//div[contains(@class,'row')][contains(.,'copysign')]",
    )
    row.click()
    for room in ("input", "fuse", "tile", "cpu"):
        hits = texts(browser, f".column[data-room={room}] .row.hit")
        expected = lines_at(record, room, RULE_LINE, RULE_COLUMN)
        assert hits and {re.sub(r"^\d+", "", hit).strip() for hit in hits} <= {
            e.strip() for e in expected
        }
        count = browser.driver.find_element(
            By.CSS_SELECTOR, f".column[data-room={room}] .count"
        ).text
        assert count.split()[0] == str(len(expected))
    assert texts(browser, "#followed .where") == [f"f.mlir:{RULE_LINE}:{RULE_COLUMN}"]
    assert browser.driver.execute_script("return location.hash") == f"#at={RULE_LINE}:{RULE_COLUMN}"
    browser.driver.find_element(By.CSS_SELECTOR, ".column[data-room=cpu] .lines").send_keys(
        Keys.ESCAPE
    )
    assert texts(browser, ".row.hit") == []
    assert browser.drain() == ([], [])


def test_opens_at_a_place_and_steps_by_keyboard(browser, rule):
    page, _, _ = rule
    open_page(browser, page, f"#at={RULE_LINE}:{RULE_COLUMN}")
    lines = browser.driver.find_element(By.CSS_SELECTOR, ".column[data-room=fuse] .lines")
    assert "math.copysign" in texts(browser, ".column[data-room=fuse] .row.hit")[0]
    lines.send_keys(Keys.ESCAPE, Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ENTER)
    followed = texts(browser, "#followed .where")
    assert followed and followed != [f"f.mlir:{RULE_LINE}:{RULE_COLUMN}"]


def test_shows_remarks_beside_their_lines_and_the_plan(browser, rule):
    page, record, _ = rule
    open_page(browser, page)
    rows = texts(browser, ".column[data-room=fuse] .row")
    note = next(i for i, row in enumerate(rows) if row.startswith("Plan"))
    assert "attn.sdpa" in rows[note - 1]
    assert "a running softmax" in browser.driver.find_element(By.ID, "plan").text
    slowest = max(ms for room in record["rooms"] for _, ms in room["passes"])
    assert texts(browser, "#times tr:first-child .number") == [f"{slowest:.2f}"]
    browser.driver.find_element(By.CSS_SELECTOR, "#remarks button").click()
    assert texts(browser, "#remarks li.hit") != []


def test_rooms_can_be_shown_and_text_found(browser, rule):
    page, record, _ = rule
    open_page(browser, page)
    browser.driver.find_element(By.XPATH, "//nav//button[contains(.,'optimize')]").click()
    assert "optimize" in texts(browser, ".column h2")
    browser.driver.find_element(By.ID, "search").send_keys("COPYSIGN")
    assert any("copysign" in text for text in texts(browser, ".column[data-room=cpu] mark"))
    everything = record["source"]["text"] + "".join(room["text"] for room in record["rooms"])
    lines = sum("copysign" in line for line in everything.split("\n"))
    assert texts(browser, "#found") == [f"{lines} lines found"]
    for theme in ("Light", "Dark"):
        browser.driver.find_element(By.ID, "theme").click()
        assert browser.driver.find_element(By.ID, "theme").text in ("Light", "Dark"), theme
    assert browser.drain() == ([], [])


def test_hostile_text_stays_text(browser, tmp_path):
    comments = "".join(f"// {line}\n" for line in HOSTILE)
    attributes = ", ".join(f"a{i} = {json.dumps(line)}" for i, line in enumerate(HOSTILE))
    text = comments + RULE.replace(
        "-> tensor<1x2x?x8xf32> {", f"-> tensor<1x2x?x8xf32> attributes {{{attributes}}} {{", 1
    )
    name = "<img src=x onerror=document.title=1>&.mlir"
    page, record, _ = compile_page(tmp_path, text, name=name)
    assert HOSTILE[0] in record["rooms"][0]["text"]
    open_page(browser, page)
    assert browser.driver.title == f"{name}: rooms"
    assert browser.driver.find_element(By.ID, "title").text == name
    shown = texts(browser, ".column[data-room=source] .row")
    assert [re.sub(r"^\d+", "", line).strip() for line in shown[:3]] == [
        f"// {line}" for line in HOSTILE
    ]
    assert browser.driver.find_elements(By.CSS_SELECTOR, "img") == []
    assert len(browser.driver.find_elements(By.TAG_NAME, "script")) == 2
    assert browser.drain() == ([], [])
    assert f"<title>{html.escape(name, quote=False)}: rooms</title>" in page.read_text()


def test_failure_in_a_room_shows_what_was_reached(browser, tmp_path):
    text = RULE.replace(
        "%r = math.copysign %s, %third : f32",
        "%e = arith.truncf %s : f32 to f8E4M3FN\n      %r = arith.extf %e : f8E4M3FN to f32",
    )
    page, record, done = compile_page(tmp_path, text, code=1)
    message = "'arith.truncf' op expects numbers of f16, bf16, f32 or f64, but got 'f8E4M3FN'"
    assert done.stderr == f"{tmp_path}/f.mlir:7:12: error: {message}\n"
    assert [room["name"] for room in record["rooms"]][-2:] == ["linalg", "attn-cpu-math"]
    assert record["rooms"][-1]["failed"] and "f8E4M3FN" in record["rooms"][-1]["text"]
    open_page(browser, page)
    assert texts(browser, "#failure") == [f"{tmp_path}/f.mlir:7:12: error: {message}"]
    assert texts(browser, ".row.error") == [f"error: {message}"]
    assert texts(browser, ".column.bad h2") == ["failed in attn-cpu-math"]
    assert browser.drain() == ([], [])


@pytest.mark.parametrize("text", ["func.func @f(", b"\xff\xfe\x00<script>", ""])
def test_text_that_is_no_module_shows_the_error(browser, tmp_path, text):
    page, record, _ = compile_page(tmp_path, text, code=1)
    assert record["rooms"] == [] and len(record["errors"]) >= 1
    open_page(browser, page)
    assert record["errors"][0]["text"] in texts(browser, "#failure")[0]
    assert browser.drain() == ([], [])


def test_large_modules_lose_lines_and_say_so(browser, tmp_path):
    """Random constants and 60,000 ops: what cannot be packed into a megabyte is left out."""
    values = ",".join(str(i * 2654435761 % 1000003) for i in range(2000))
    ops = "\n".join(
        f"  %{i + 1} = arith.addi %{i}, %c : index // {i * 2654435761 % 2**32} {i * 40503 % 2**31}"
        for i in range(60000)
    )
    text = f"""func.func @f(%0: index) -> (index, tensor<2000xi32>) {{
  %c = arith.constant 3 : index
  %d = arith.constant dense<[{values}]> : tensor<2000xi32>
{ops}
  return %60000, %d : index, tensor<2000xi32>
}}
"""
    page, record, _ = compile_page(tmp_path, text, "--stop-after=raise")
    assert "__elided__" in record["rooms"][0]["text"]
    open_page(browser, page)
    notices = browser.driver.find_element(By.ID, "notices").text
    assert "Constants of many elements are elided." in notices
    assert "The page stays below a megabyte" in notices
    hidden = [room["hidden"] for room in [record["source"], *record["rooms"]]]
    assert max(hidden) > 0
    used = {id for room in record["rooms"] for _, places in room["lines"] for id in places}
    assert used == {id for id, place in enumerate(record["places"]) if place}
    shown = record["source"]["text"].count("\n") + 1
    assert shown + record["source"]["hidden"] == text.count("\n")
    assert browser.drain() == ([], [])


def test_page_beside_an_object(tmp_path):
    _, record, _ = compile_page(tmp_path, RULE, "-o", str(tmp_path / "f.o"))
    assert (tmp_path / "f.o").read_bytes().startswith(b"\x7fELF") and (tmp_path / "f.h").exists()
    last = record["rooms"][-1]
    assert last["name"] == "obj" and last["text"] == "" and last["ms"] > 0
