#!/bin/bash
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: utils/lint.sh [-f]
#
# Runs every check that needs no build, one line each. -f mends what can be mended.
set -uo pipefail
cd "$(dirname "$0")/.."

fix=
case ${1-} in
  -f) fix=1 ;;
  '') ;;
  *) echo "usage: utils/lint.sh [-f]" >&2; exit 1 ;;
esac

git -c safe.directory="$PWD" rev-parse > /dev/null || exit 1
python=.venv/bin/python
[[ -x $python ]] || python=python3
failed=0

# check NAME COMMAND...: runs it quietly; its output is shown when it failed or warns.
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "ok: $name"
    grep '^warning: ' <<< "$output"
  else
    echo "FAILED: $name"
    sed 's/^/  /' <<< "$output"
    failed=1
  fi
}

# files PATTERN...: what git knows or would add, less what was deleted. The folder may belong
# to another user, as in a container.
files() {
  git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard -- "$@" |
    xargs -0 -r ls -d 2> /dev/null
}

clang_format() {
  local list
  mapfile -t list < <(files '*.cpp' '*.h' '*.c' '*.js')
  ((${#list[@]})) || return 0
  if [[ $fix ]]; then
    clang-format-22 -i "${list[@]}"
  else
    local bad
    bad=$(clang-format-22 --dry-run -Werror "${list[@]}" 2>&1) && return
    grep -o '^[^: ]*:[0-9]*:.*should be clang-formatted' <<< "$bad" |
      sort -t: -u -k1,1 | sed 's|: error:|:|' || echo "$bad"
    return 1
  fi
}

ruff() {
  local list
  mapfile -t list < <(files '*.py' | grep -v '^utils/gpu/') # those stay as they are
  .venv/bin/ruff check --quiet --config utils/ruff.toml ${fix:+--fix} "${list[@]}" &&
    .venv/bin/ruff format --quiet --config utils/ruff.toml $([[ $fix ]] || echo --diff) "${list[@]}"
}

shell_syntax() {
  local file status=0
  while read -r file; do
    bash -n "$file" || status=1
    [[ -x $file ]] || { echo "$file is not executable"; status=1; }
  done < <(files '*.sh' '.ci/run')
  return $status
}

check clang-format clang_format
check ruff ruff
check shell shell_syntax
check text "$python" utils/check-text.py ${fix:+--fix}
check layers "$python" utils/check-layers.py
check labels "$python" utils/check-labels.py
check messages "$python" utils/check-messages.py
check links "$python" utils/check-links.py

((failed)) && [[ ! $fix ]] && echo "utils/lint.sh -f mends what can be mended" >&2
exit $failed
