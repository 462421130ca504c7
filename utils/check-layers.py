#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks who includes whom against utils/layers.toml.

A room is a folder of lib/ with its mirror in include/attn/. It may include its own headers and
those of the rooms that the law lists, and its CMakeLists.txt may link no others. The rooms
under [plain] may include nothing of LLVM or MLIR, those under [llvm-only] nothing of MLIR.
"""

import pathlib
import re
import sys
import tomllib

SOURCES = {".h", ".hpp", ".c", ".cpp", ".inc"}
INCLUDE = re.compile(r'\s*#\s*include\s*(["<])([^">]+)[">]')


class Law:
    def __init__(self, root):
        self.root = root
        table = tomllib.loads((root / "utils/layers.toml").read_text())
        self.rooms = table["rooms"]
        self.no_llvm = set(table.get("plain", {}).get("rooms", []))
        self.no_mlir = self.no_llvm | set(table.get("llvm-only", {}).get("rooms", []))
        self.problems = []

    def say(self, path, line, text):
        self.problems.append(f"{path.relative_to(self.root)}:{line}: {text}")

    def room_of(self, relative):
        """The room that a file belongs to, the longest name first; None outside of all."""
        for name in sorted(self.rooms, key=len, reverse=True):
            inside = tuple(name.split("/"))
            for top in (("lib",), ("include", "attn"), ()):
                want = top + inside
                if top == () and name != "tools":
                    continue
                if relative.parts[: len(want)] == want:
                    return name
        return None

    def library(self, room):
        return "AttnIR" if room == "Dialect/Attn" else "Attn" + room

    def check_include(self, path, number, room, quote, header):
        top = header.split("/")[0]
        if header.startswith("../") or "/../" in header:
            self.say(path, number, f"include '{header}' climbs out of its folder")
        if top in ("llvm", "llvm-c") and room in self.no_llvm:
            self.say(path, number, f"room '{room}' may not include LLVM ({header})")
        if top in ("mlir", "mlir-c") and room in self.no_mlir:
            self.say(path, number, f"room '{room}' may not include MLIR ({header})")
        if header.startswith("lib/"):
            target = self.room_of(pathlib.Path(header))
        elif top == "attn":
            target = self.room_of(pathlib.Path("include") / header)
            if target is None and header.count("/") > 1:
                self.say(path, number, f"include '{header}' is of no room in utils/layers.toml")
        else:
            return
        if target and target != room and target not in self.rooms[room]:
            self.say(path, number, f"room '{room}' may not include room '{target}' ({header})")
        if target and target != room and header.startswith("lib/"):
            self.say(path, number, f"'{header}' is private to room '{target}'")

    def check_sources(self):
        for top in ("lib", "include/attn", "tools"):
            for path in sorted((self.root / top).rglob("*")):
                if path.suffix not in SOURCES:
                    continue
                room = self.room_of(path.relative_to(self.root))
                if room is None:
                    self.say(path, 1, "belongs to no room of utils/layers.toml")
                    continue
                text = path.read_text(errors="replace")
                for number, line in enumerate(text.splitlines(), 1):
                    if match := INCLUDE.match(line):
                        self.check_include(path, number, room, *match.groups())

    def check_links(self):
        """LINK_LIBS repeats the law, so that the linker can hold rooms to it."""
        by_library = {self.library(room): room for room in self.rooms}
        for path in sorted((self.root / "lib").rglob("CMakeLists.txt")):
            room = self.room_of(path.relative_to(self.root))
            if room is None:
                continue
            for number, line in enumerate(path.read_text().splitlines(), 1):
                for word in re.findall(r"\bAttn\w+", line.split("#")[0]):
                    target = by_library.get(word)
                    if target and target != room and target not in self.rooms[room]:
                        self.say(
                            path, number, f"room '{room}' may not link room '{target}' ({word})"
                        )

    def check_law(self):
        law = self.root / "utils/layers.toml"
        for room, sees in self.rooms.items():
            for target in sees:
                if target not in self.rooms:
                    self.say(law, 1, f"room '{room}' lists unknown room '{target}'")
                elif room in self.rooms[target]:
                    self.say(law, 1, f"rooms '{room}' and '{target}' see each other")


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    if len(sys.argv) < 2:
        root = root.parent.parent
    law = Law(root)
    law.check_law()
    law.check_sources()
    law.check_links()
    for problem in law.problems:
        print(problem)
    sys.exit(1 if law.problems else 0)


if __name__ == "__main__":
    main()
