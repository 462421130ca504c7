# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a file with one tensor, layer.0.bias = [10, 20, 30], to the path given."""

import json
import struct
import sys

header = json.dumps({"layer.0.bias": {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}})
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header.encode() + struct.pack("<3f", 10, 20, 30))
