#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Takes the README's picture of the page of heads.

usage: draw-heads-page.py ATTN-RUN     (writes docs/images/heads.png)

The page is made by examples/minilm/heads.py and opened at "it" -> "animal" in Chromium.
"""

import io
import subprocess
import sys
import tempfile
from pathlib import Path

from browser import Browser
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs/images/heads.png"
LARGEST = 200_000  # bytes
COLOURS = 256  # of the picture's palette


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "heads.html"
        program = [sys.executable, str(ROOT / "examples/minilm/heads.py")]
        subprocess.run([*program, "--attn-run", sys.argv[1], "-o", str(page)], check=True)
        with Browser(folder, size=(1360, 1000), scale=1.5) as browser:
            browser.open(page, "#head=3.1&from=10&to=2")
            picture = Image.open(io.BytesIO(browser.driver.get_screenshot_as_png()))
            height = browser.driver.execute_script("return document.body.scrollHeight") * 1.5
    picture = picture.convert("RGB").crop((0, 0, picture.width, min(picture.height, int(height))))
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        PICTURE, optimize=True
    )
    size = PICTURE.stat().st_size
    print(f"{PICTURE}: {picture.width} x {picture.height}, {size} bytes")
    if size > LARGEST:
        sys.exit(f"expected at most {LARGEST} bytes")


if __name__ == "__main__":
    main()
