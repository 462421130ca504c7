#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the documentation's pictures of the page of heads.

usage: draw-heads-page.py ATTN-RUN

examples/minilm/heads.py makes the page, Chromium opens it at "it" -> "animal": docs/images/heads.png
is what it shows, docs/images/head.png what its own PNG button saves.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from browser import Browser
from picture import IMAGES, SCALE, write
from selenium.webdriver.common.by import By

ROOT = Path(__file__).resolve().parent.parent


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "heads.html"
        program = [sys.executable, str(ROOT / "examples/minilm/heads.py")]
        subprocess.run([*program, "--attn-run", sys.argv[1], "-o", str(page)], check=True)
        with Browser(folder, size=(1360, 1000), scale=SCALE) as browser:
            browser.open(page, "#head=3.1&from=10&to=2")
            height = browser.driver.execute_script("return document.body.scrollHeight") * SCALE
            write("heads.png", browser.driver.get_screenshot_as_png(), int(height))
            browser.open(page, "#head=3.1&from=10&to=2&view=lines")
            button = "[data-figure=head] [data-suffix=png]"
            browser.driver.find_element(By.CSS_SELECTOR, button).click()
            write("head.png", browser.download("layer3-head1.png"))


if __name__ == "__main__":
    main()
