#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks the files as text: white space, sizes, headers, and words that must not appear.

usage: check-text.py [--fix] [FILE...]     (without files: all that git knows or would add)
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

MAX_BYTES = 200_000
# Suffix, folder -> lines at which to warn, lines at which to stop.
LINE_CAPS = [
    ({".cpp", ".h", ".c"}, ("lib", "include", "tools", "test"), 400, 700),
    ({".py"}, ("examples", "test", "utils", "benchmarks", "python_bindings"), 400, 700),
    ({".td"}, ("dialects", "include"), 250, 400),
    ({".mlir"}, ("test",), 200, 400),
]
HEADER_SUFFIXES = {".cpp", ".h", ".c", ".td", ".py", ".sh", ".js", ".css"}
# Written by tools, or by others: no house style inside.
GENERATED = ("docs/generated/", "LICENSE")
# Yardsticks, kept byte for byte: what they say of two versions must stay comparable.
GENERATED += ("utils/gpu/sass_count.py", "utils/gpu/model.py")

# (pattern, where it is banned, where it is allowed after all, reason)
BANS = [
    (r"llvm::errs\(\)", r"^(lib|include)/", None, "diagnostics go through the op or the caller"),
    (r"\bcl::opt\b", r"^(lib|include)/", None, "options are pass or pipeline options"),
    (
        r"\b(secure_)?getenv\b",
        r"^(lib|include)/",
        r"^(lib|include/attn)/(Execute/Host|Runtime/)",
        "only Execute/Host and Runtime may look at the environment",
    ),
    (r"unsafe-fp-math", r"", None, "it breaks -inf masks and NaN rows"),
    (r"let (statistics|constructor)\b", r"\.td$", None, "statistics print nothing in this MLIR"),
    (r"DO NOT SUBMIT", r"", None, "left from a trial"),
    (r"\b(TODO|FIXME)\b(?!\(#\d+\))", r"", None, "name the issue: TODO(#12)"),
    (r"(?<![\w.])/(work|home|root)/", r"", None, "a path of one machine"),
    (
        r"pypi\.org|pythonhosted\.org|deb\.debian\.org|registry\.npmjs",
        r"",
        None,
        "the machine's own settings say where packages come from",
    ),
    (r"^(<<<<<<<|=======|>>>>>>>)( |$)", r"", None, "merge marker"),
]
# These two speak of the banned words.
BAN_EXEMPT = {"utils/check-text.py", "CONTRIBUTING.md"}


def tracked():
    out = subprocess.run(
        [
            "git",
            "-c",
            f"safe.directory={ROOT}",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    return [name for name in out.decode().split("\0") if name]


class Checker:
    def __init__(self, fix):
        self.fix = fix
        self.errors = 0
        self.warnings = []

    def error(self, name, line, text):
        self.errors += 1
        print(f"{name}:{line}: {text}")

    def white_space(self, name, path, text):
        fixed = "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n"))
        fixed = fixed.rstrip("\n") + "\n" if fixed.strip() else ""
        if self.fix and fixed != text and "\t" not in text:
            path.write_text(fixed)
            text = fixed
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                self.error(name, number, "white space at the end of the line")
            if "\t" in line:
                self.error(name, number, "tab")
        if text and not text.endswith("\n"):
            self.error(name, text.count("\n") + 1, "no newline at the end of the file")
        elif text.endswith("\n\n"):
            self.error(name, text.count("\n"), "empty line at the end of the file")
        return text

    def bans(self, name, text):
        if name in BAN_EXEMPT:
            return
        for pattern, where, allowed, reason in BANS:
            if not re.search(where, name) or (allowed and re.search(allowed, name)):
                continue
            for match in re.finditer(pattern, text, re.MULTILINE):
                number = text.count("\n", 0, match.start()) + 1
                self.error(name, number, f"'{match[0].strip()}' is banned: {reason}")

    def caps(self, name, text):
        path = pathlib.PurePosixPath(name)
        for suffixes, tops, warn, stop in LINE_CAPS:
            if path.suffix not in suffixes or path.parts[0] not in tops:
                continue
            count = text.count("\n")
            if count > stop:
                self.error(name, count, f"{count} lines, the cap is {stop}")
            elif count > warn:
                self.warnings.append(f"{name}: {count} lines, better below {warn}")

    def headers(self, name, text):
        path = pathlib.PurePosixPath(name)
        if path.suffix not in HEADER_SUFFIXES or not text:
            return
        head = "\n".join(text.split("\n", 12)[:12])
        if "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception" not in head:
            self.error(name, 1, "no licence header")
        if path.suffix in {".cpp", ".h", ".td"} and not text.startswith(f"//===- {path.name} - "):
            self.error(name, 1, f"the first line should start with '//===- {path.name} - '")
        if path.suffix == ".h" and name.startswith("include/attn/"):
            words = re.sub(r"[^A-Za-z0-9]", "_", name.removeprefix("include/"))
            guard = words.upper()
            found = re.search(r"^#ifndef (\w+)\n#define \1$", text, re.MULTILINE)
            if not found or found[1].replace("_", "") != guard.replace("_", ""):
                self.error(name, 1, f"the include guard should be {guard}")

    def check(self, name):
        path = ROOT / name
        if path.is_symlink() or not path.is_file():
            return
        data = path.read_bytes()
        if len(data) > MAX_BYTES:
            self.error(name, 1, f"{len(data)} bytes, the cap is {MAX_BYTES}")
        if b"\0" in data or name.startswith(GENERATED):
            return
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            self.error(name, 1, "not UTF-8")
            return
        text = self.white_space(name, path, text)
        self.bans(name, text)
        self.caps(name, text)
        self.headers(name, text)


def main():
    arguments = sys.argv[1:]
    fix = "--fix" in arguments
    checker = Checker(fix)
    for name in [a for a in arguments if a != "--fix"] or tracked():
        checker.check(name)
    for warning in checker.warnings:
        print(f"warning: {warning}")
    sys.exit(1 if checker.errors else 0)


if __name__ == "__main__":
    main()
