# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention as torch (through torch-mlir) and jax (through StableHLO) export it: each raised, values kept.

Run by the Python of build/frontends. Prints a line per graph: what was raised, how far the results
of both ways are apart, and the time of a call before and after.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import warnings

import jax
import torch
from jax import numpy as jnp
from torch import nn
from torch_mlir import fx

BATCH, HEADS, GROUPS, ROWS, CHANNELS = 2, 4, 2, 37, 16


class Unfused(nn.Module):
    def forward(self, q, k, v):
        return torch.softmax(q @ k.transpose(-1, -2) / CHANNELS**0.5, -1) @ v


class Causal(nn.Module):
    def forward(self, q, k, v):
        later = torch.ones(ROWS, ROWS, dtype=torch.bool).triu(1)
        s = (q @ k.transpose(-1, -2) / CHANNELS**0.5).masked_fill(later, float("-inf"))
        return torch.softmax(s, -1) @ v


class Sdpa(nn.Module):
    def forward(self, q, k, v):
        return nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)


class Grouped(nn.Module):
    def forward(self, q, k, v):
        return nn.functional.scaled_dot_product_attention(q, k, v, enable_gqa=True)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = nn.MultiheadAttention(HEADS * CHANNELS, HEADS, batch_first=True)

    def forward(self, x):
        return self.block(x, x, x, need_weights=False)[0]


def torch_graphs():
    """name, text"""
    q, k, v = (torch.randn(BATCH, HEADS, ROWS, CHANNELS) for _ in range(3))
    k2, v2 = (torch.randn(BATCH, GROUPS, ROWS, CHANNELS) for _ in range(2))
    x = torch.randn(BATCH, ROWS, HEADS * CHANNELS)
    forms = {
        "unfused": (Unfused, (q, k, v)), "causal": (Causal, (q, k, v)), "sdpa": (Sdpa, (q, k, v)),
        "grouped": (Grouped, (q, k2, v2)), "block": (Block, (x,)),
    }  # fmt: skip
    for name, (form, arguments) in forms.items():
        for dialect, output in (("linalg", "linalg-on-tensors"), ("tosa", "tosa")):
            module = fx.export_and_import(
                form().eval(), *arguments, output_type=output, func_name="main"
            )
            yield f"torch-{name}-{dialect}", str(module)


def jax_graphs():
    attend = jax.nn.dot_product_attention
    q = jnp.zeros((BATCH, ROWS, HEADS, CHANNELS))
    k = jnp.zeros((BATCH, ROWS, GROUPS, CHANNELS))
    bias = jnp.zeros((BATCH, HEADS, ROWS, ROWS))
    forms = {
        "plain": (lambda q, k, v: attend(q, k, v), (q, q, q)),
        "causal": (lambda q, k, v: attend(q, k, v, is_causal=True), (q, q, q)),
        "grouped": (lambda q, k, v: attend(q, k, v), (q, k, k)),
        "bias": (lambda q, k, v, b: attend(q, k, v, bias=b), (q, q, q, bias)),
    }
    legalize = [
        "--inline", "--stablehlo-aggressive-simplification", "--stablehlo-legalize-to-linalg", "--canonicalize",
        "--cse",
    ]  # fmt: skip
    tool = pathlib.Path(sys.executable).parent / "torch-mlir-opt"
    for name, (form, arguments) in forms.items():
        text = jax.jit(form).lower(*arguments).as_text()
        yield f"jax-{name}-linalg", call([tool, *legalize], text).stdout


def call(command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]} ended with {done.returncode}: {done.stderr[:2000]}")
    return done


def judge(bin_folder, path):
    """True when the one attention of the file was raised and gives what the graph gives."""
    raised = call([bin_folder / "attn-opt", path, "--attn-raise=require-raised=1"])
    said = call([bin_folder / "attn-run", path, "--attn-raise-verify"]).stdout
    apart = re.search(r"raising, result #0: ok, .* differs by (\S+),", said)
    times = re.search(r"one call: (\S+) ms as it stands, (\S+) ms raised", said)
    found = re.search(r"raised \d of \d[^\n]*", raised.stderr)[0]
    made = re.search(r"attn\.(mha|sdpa)", raised.stdout)[0]
    kept = f"apart {apart[1]}" if apart else "values NOT kept"
    print(f"{path.stem}: {found}, {made}, {kept}, before {times[1]} ms, after {times[2]} ms")
    return apart is not None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bin", required=True, type=pathlib.Path, help="folder of the tools")
    parser.add_argument("folder", type=pathlib.Path, help="where the graphs are written")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    kept = {}
    for graphs in (torch_graphs, jax_graphs):
        for name, text in graphs():
            path = arguments.folder / f"{name}.mlir"
            path.write_text(text)
            kept[name] = judge(arguments.bin, path)
    for source in ("torch", "jax"):
        each = [kept[name] for name in kept if name.startswith(source)]
        print(f"{source}: {sum(each)} of {len(each)}")


if __name__ == "__main__":
    main()
