#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks that the links of the documentation lead somewhere.

usage: check-links.py [FOLDER]     (without: every .md that git knows or would add)

A link to a file must name one that is there; one with #ANCHOR a heading of that page, spelled as
GitHub spells it. Links into the web are not followed.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"\]\(([^)\s]+)\)")
WEB = re.compile(r"[a-z]+:")


def pages():
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others"]
    command += ["--exclude-standard", "--", "*.md"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    return [ROOT / name for name in names.decode().split("\0") if name and (ROOT / name).exists()]


def prose(text):
    """The text without its blocks of code: what stands there is no link and no heading."""
    return re.sub(r"^[ \t]*```.*?^[ \t]*```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page):
    """The names of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page.read_text()), re.MULTILINE)
    plain = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


def problem(root, page, link):
    """What is wrong with a link of a page, or None."""
    if WEB.match(link):
        return None
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.is_relative_to(root) or not target.exists():
        return "there is no such file"
    if anchor and (target.suffix != ".md" or anchor not in anchors(target)):
        return "the page has no such heading"
    return None


def main():
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
    found = 0
    for page in sorted(root.rglob("*.md")) if len(sys.argv) > 1 else pages():
        for link in LINK.findall(prose(page.read_text())):
            if what := problem(root, page, link):
                found += 1
                print(f"{page.relative_to(root)}: ({link}): {what}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
