# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reduces every piece of every .mlir file below some folders: reduce_all.py TOOL FOLDER...

A piece "fails" as long as an attn op is in it. What is not valid alone is refused with a message;
everything else must become smaller, stay valid, and keep its attn op.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

COMMAND = 'if grep -q "attn[.]" %s; then exit 3; fi'


def main():
    tool, folders = sys.argv[1], sys.argv[2:]
    reduced = refused = 0
    with tempfile.TemporaryDirectory() as scratch:
        piece = pathlib.Path(scratch) / "piece.mlir"
        for path in sorted(p for folder in folders for p in pathlib.Path(folder).rglob("*.mlir")):
            for number, text in enumerate(re.split(r"^// -----.*", path.read_text(), flags=re.M)):
                piece.write_text(text)
                result = subprocess.run(
                    [tool, piece, f"--fails={COMMAND}"],
                    capture_output=True,
                    text=True,
                    timeout=300,
                )
                where = f"{path}, piece {number}"
                if result.returncode == 1 and "error:" in result.stderr:
                    refused += 1
                elif result.returncode != 0:
                    sys.exit(f"{where}: ended with {result.returncode}\n{result.stderr}")
                else:
                    reduced += 1
                    if "attn." not in result.stdout:
                        sys.exit(f"{where}: became\n{result.stdout}")
                    if result.stdout.count("\n") > text.count("\n") + 3:
                        sys.exit(f"{where}: has grown\n{result.stdout}")
    print(f"{reduced} reduced, {refused} refused")


if __name__ == "__main__":
    main()
