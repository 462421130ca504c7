#!/bin/bash
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: utils/regen-docs.sh [-c]
#
# Writes docs/generated from the TableGen files. -c only compares, and fails when they differ.
set -euo pipefail
cd "$(dirname "$0")/.."

compare=
case ${1-} in
  -c) compare=1 ;;
  '') ;;
  *) echo "usage: utils/regen-docs.sh [-c]" >&2; exit 1 ;;
esac

[[ -f build/dev/build.ninja ]] || cmake --preset dev > /dev/null
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
# Pages of a room that is gone must not come back from an old build folder.
rm -rf build/dev/docs
ninja -C build/dev mlir-doc > "$fresh.log" 2>&1 || { tail -n 20 "$fresh.log"; rm -f "$fresh.log"; exit 1; }
rm -f "$fresh.log"
for page in build/dev/docs/*.md; do
  [[ -e $page ]] || continue
  # mlir-tblgen leaves white space at line ends.
  sed 's/[ \t]*$//' "$page" > "$fresh/$(basename "$page")"
done

if [[ $compare ]]; then
  if ! diff -ruN docs/generated "$fresh"; then
    echo "docs/generated is stale; mend it with: utils/regen-docs.sh" >&2
    exit 1
  fi
else
  rm -rf docs/generated
  mkdir -p docs
  cp -r "$fresh" docs/generated
  chmod 755 docs/generated
fi
