#!/bin/bash
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: utils/install-deps.sh [--demo | --frontends]
#
# Installs what attn-mlir needs on Debian 12: system packages with apt, Python packages into
# .venv. Does nothing, and needs no rights and no network, when everything is there. With --demo
# the system packages that only tests use stay out. With --frontends also what makes graphs for
# the tests of attn-raise (torch, torch-mlir, jax, transformers: 1.9 GB) into build/frontends.
set -euo pipefail
cd "$(dirname "$0")/.."

apt_packages=(
  clang-22 clang-format-22 libclang-rt-22-dev lld-22
  libmlir-22-dev llvm-22-dev llvm-22-tools mlir-22-tools
  ccache cmake git ninja-build libgtest-dev zlib1g-dev
  python3 python3-venv
  # The Python package, and wheels of it that need no LLVM.
  python3-dev libzstd-dev
)

test_packages=(
  # NEON objects are linked and run on any machine.
  gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
  # Settings for editors are read by what reads them there.
  lua5.4
  # The page of heads is tested in a browser.
  chromium chromium-driver
)
case ${1-} in
  '' | --frontends) apt_packages+=("${test_packages[@]}") ;;
  --demo) ;;
  *) echo "usage: utils/install-deps.sh [--demo | --frontends]" >&2; exit 1 ;;
esac

say() { echo "install-deps: $*" >&2; }
fail() { say "error: $*"; exit 1; }

command -v dpkg-query > /dev/null && command -v apt-get > /dev/null ||
  fail "needs Debian 12 or a system with its packages (apt-get not found)"

missing=()
for package in "${apt_packages[@]}"; do
  state=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2> /dev/null) || state=
  [[ $state == ?i* ]] || missing+=("$package")
done

if ((${#missing[@]})); then
  as_root=()
  if (($(id -u) != 0)); then
    command -v sudo > /dev/null || fail "needs root or sudo to install: ${missing[*]}"
    # Without a terminal nobody can type a password: say so now rather than hang.
    [[ -t 0 ]] || sudo -n true 2> /dev/null ||
      fail "sudo asks for a password and there is no terminal; as root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  log=$(mktemp)
  apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 \
      -o DPkg::Lock::Timeout=120 "$@" >> "$log" 2>&1
  }
  # An unreachable list of some other repository must not stop us: only the install decides.
  apt update || say "apt-get update reported an error, trying with the lists at hand"
  if ! apt install -y --no-install-recommends "${missing[@]}"; then
    tail -n 15 "$log" >&2
    fail "apt-get could not install: ${missing[*]}"
  fi
  rm -f "$log"
fi

# The Python of .venv: the first python3 that is new enough and can make an environment.
find_python() {
  local candidate
  for candidate in python3 python3.11 /usr/bin/python3; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
      "$candidate" -c 'import sys; print(sys.executable)'
      return
    fi
  done
  return 1
}

# make_environment DIR FILE...: an environment with the packages of the files; the second and
# later ones without what those depend on. The stamp holds what was installed; the environment is
# made anew when the wish list changes.
make_environment() {
  local folder=$1 wanted python file log=$1/pip.log stamp=$1/installed.sha256 options=()
  shift
  wanted=$(cat "$@" | sha256sum)
  if [[ -x $folder/bin/python && -f $stamp && $(< "$stamp") == "$wanted" ]] &&
    "$folder/bin/python" -c '' 2> /dev/null; then
    return
  fi
  python=$(find_python) || fail "no python3 >= 3.11 with the venv module found"
  say "installing Python packages into $folder with $python"
  rm -rf "$folder"
  "$python" -m venv "$folder" || fail "'$python -m venv $folder' failed"
  for file in "$@"; do
    "$folder/bin/python" -m pip --disable-pip-version-check -q install --retries 5 "${options[@]}" \
      -r "$file" >> "$log" 2>&1 || {
      grep -v '^WARNING' "$log" | tail -n 15 >&2
      fail "pip could not install $file"
    }
    options=(--no-deps)
  done
  echo "$wanted" > "$stamp"
}

make_environment .venv utils/requirements.txt utils/requirements-no-deps.txt
if [[ ${1-} == --frontends ]]; then
  make_environment build/frontends utils/requirements-frontends.txt
fi
