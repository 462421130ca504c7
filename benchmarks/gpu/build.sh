#!/bin/bash
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: benchmarks/gpu/build.sh [FOLDER]      (build/gpu by default)
#
# Compiles every kernel of cases.py and puts all that a GPU machine needs into FOLDER; there
# `python3 FOLDER/bench.py` needs torch and the driver, nothing of this repository.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:-build/gpu}
compile=${ATTN_COMPILE:-build/dev/bin/attn-compile}

rm -rf "$folder"
python3 benchmarks/gpu/cases.py "$folder"
cp benchmarks/gpu/bench.py benchmarks/gpu/check.py python_bindings/attn_mlir/cuda.py "$folder"
failed=0
for source in "$folder"/*.mlir; do
  name=$(basename "$source" .mlir)
  "$compile" "$source" --target=nvvm:sm_90a --emit=bundle -o "$folder/$name.bundle" ||
    { echo "build.sh: $name does not compile" >&2; failed=1; }
done
du -sh "$folder"
exit $failed
