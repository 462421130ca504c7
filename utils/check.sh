#!/bin/bash
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: utils/check.sh
#
# Installs what is needed, builds the preset dev, runs every test, and closes with the line
# "N passed, N failed". With CI=true a test that could not run counts as failed.
set -uo pipefail
cd "$(dirname "$0")/.."

# Nothing could be tested: say why, then the closing line.
give_up() {
  echo "check: $*" >&2
  echo "0 passed, 1 failed"
  exit 1
}

utils/install-deps.sh --frontends || give_up "utils/install-deps.sh --frontends failed"

mkdir -p build/check
log=build/check/build.log
echo "check: building the preset dev (log in $log)" >&2
if ! { cmake --preset dev -DATTN_BUILD_PYTHON=ON && ninja -C build/dev; } 2>&1 | tee "$log" | awk 'NR % 40 == 0; { fflush() }' >&2; then
  tail -n 40 "$log" >&2
  give_up "the build failed"
fi

exec .venv/bin/python utils/run-tests.py
