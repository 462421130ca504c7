#!/bin/bash
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: utils/demo.sh [OPTION of examples/minilm/demo.py]...
#
# Installs what is needed, builds the tools, and runs the transformer of examples/minilm.
set -uo pipefail
cd "$(dirname "$0")/.."

# The demo promises one closing line whatever happens.
give_up() {
  echo "demo: FAILED $*"
  exit 2
}

utils/install-deps.sh --demo || give_up "utils/install-deps.sh could not install what is needed"

mkdir -p build
log=build/demo-build.log
start=$SECONDS
if [[ ! -f build/release/build.ninja ]]; then
  echo "demo: configuring and building the preset release (log in $log)" >&2
  cmake --preset release -DATTN_BUILD_TESTS=OFF > "$log" 2>&1 || {
    tail -n 20 "$log" >&2
    give_up "cmake could not configure the preset release"
  }
fi
if ! ninja -C build/release attn-opt attn-run 2>&1 | tee -a "$log" | awk 'NR % 20 == 0; { fflush() }' >&2; then
  tail -n 30 "$log" >&2
  give_up "the build failed"
fi
((SECONDS - start > 5)) && echo "demo: built in $((SECONDS - start)) s" >&2

exec .venv/bin/python examples/minilm/demo.py --attn-run build/release/bin/attn-run "$@"
