# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pictures of pages for the documentation, small enough for the repository."""

import io
import sys
from pathlib import Path

from PIL import Image

IMAGES = Path(__file__).resolve().parent.parent / "docs/images"
LARGEST = 200_000  # bytes
COLOURS = 256  # of a picture's palette
SCALE = 1.5


def write(name, data, height=None):
    """A PNG with a palette, cut to `height`."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    picture = picture.crop((0, 0, picture.width, min(picture.height, height or picture.height)))
    path = IMAGES / name
    picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        path, optimize=True
    )
    size = path.stat().st_size
    print(f"{path}: {picture.width} x {picture.height}, {size} bytes")
    if size > LARGEST:
        sys.exit(f"expected at most {LARGEST} bytes")
