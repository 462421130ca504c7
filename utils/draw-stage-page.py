#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the documentation's picture of the page of rooms, docs/images/stages.png.

usage: draw-stage-page.py ATTN-COMPILE

The page of examples/03-score-region.mlir follows the logarithm of its rule.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from browser import Browser
from picture import write
from selenium.webdriver.support.wait import WebDriverWait

ROOT = Path(__file__).resolve().parent.parent


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "stages.html"
        source = "examples/03-score-region.mlir"
        line, text = next(
            (i, text)
            for i, text in enumerate((ROOT / source).read_text().split("\n"), 1)
            if "math.log" in text
        )
        tool = str(Path(sys.argv[1]).resolve())
        command = [tool, source, f"--html={page}", "--target=cpu:x86-64-v4"]
        subprocess.run(command, check=True, cwd=ROOT)
        with Browser(folder, size=(1700, 1000)) as browser:
            browser.open(page, f"#at={line}:{text.index('math.log') + 1}")
            WebDriverWait(browser.driver, 10).until(
                lambda driver: driver.execute_script(
                    "return document.documentElement.dataset.ready"
                )
            )
            write("stages.png", browser.driver.get_screenshot_as_png())


if __name__ == "__main__":
    main()
