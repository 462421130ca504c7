# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""minilm.mlir as functions of arrays: each call runs attn-run, which compiles the entry."""

import subprocess
from pathlib import Path

import numpy as np

import model

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "minilm.mlir"
KERNEL = HERE.parent / "01-sdpa.mlir"


class EncoderError(Exception):
    pass


class Encoder:
    """minilm.mlir through attn-run: arrays go in and out as .npy files of one folder."""

    def __init__(self, tool, target, folder):
        self.tool, self.folder = tool, Path(folder)
        self.options = [f"--weights=@{model.checked_safetensors()}"]
        if target:
            self.options.append(f"--target={target}")

    def arguments(self, entry, ids, mask):
        np.save(self.folder / "ids.npy", ids)
        np.save(self.folder / "mask.npy", mask)
        inputs = [f"--input=@{self.folder / name}.npy" for name in ("ids", "mask")]
        return [str(self.tool), str(SOURCE), f"--entry={entry}", *self.options, *inputs]

    def run(self, entry, ids, mask, results=1, options=()):
        """The results, and what attn-run said."""
        paths = [self.folder / f"{entry}{i}.npy" for i in range(results)]
        outputs = [f"--output={path}" for path in paths]
        said = call([*self.arguments(entry, ids, mask), *outputs, *options])
        return [np.load(path) for path in paths], said

    def encode(self, ids, mask):
        return self.run("encode", ids, mask)[0][0]

    def weights(self, ids, mask):
        """Every head's attention weights, [layer, batch, head, query, key]."""
        return np.stack(self.run("weights", ids, mask, model.LAYERS)[0])

    def bench_kernel(self, options):
        """What attn-run says of attention alone, 16 heads of 2048 tokens and 64 channels, one core."""
        inputs = [f"--input=4x4x2048x64xf32=random:{seed}" for seed in (1, 2, 3)]
        target = [option for option in self.options if option.startswith("--target=")]
        return call([str(self.tool), str(KERNEL), *target, *inputs, "--threads=1", *options])


def call(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EncoderError(str(error)) from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise EncoderError(f"attn-run ended with exit code {done.returncode}: {lines[-1]}")
    return done.stdout
