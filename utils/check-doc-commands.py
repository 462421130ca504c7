#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the commands of every ```sh block of the documentation that use the tools, and every
```python block.

usage: check-doc-commands.py BIN-DIR [FILE...]

The blocks of a page run one after another in a copy of the repository's top level made of links,
so that what they write stays out of it; build/release/bin and build/dev/bin both mean BIN-DIR
there, and lib its neighbour. A block of code whose first line is `// NAME` is the file NAME of that
folder. A block that is followed by an ```output block must print those lines in that order; there
... stands for anything. The indented commands in the leading comments of examples/*.mlir run as well. Commands
that install, build or test (utils/*.sh, cmake, ninja, git) are not run, but the script they name
must exist. Python is the project's own, with the package that stands beside BIN-DIR.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
GLOBS = ["README.md", "CONTRIBUTING.md", "docs/*.md", "dialects/attn/README.md"]
GLOBS += ["examples/**/README.md", "examples/*.mlir"]
RUN = re.compile(
    r"(build/(release|dev)/bin/)?(attn-(opt|run|compile|emulate|reduce)|mlir-opt-22)\b|(cat|cc|echo|printf|head|cd|export) |\./[\w-]+$"
)
RUN_PYTHON = re.compile(r"\.venv/bin/python (-m attn_mlir|examples/minilm/(heads|block)\.py)\b")
FILE = re.compile(r"// ([\w-]+\.\w+)\n")
NOT_RUN = re.compile(r"(CI=\w+ |ATTN_\w+=\w+ )?(cmake|ninja|git|ctest|\.venv/bin/\w+)\b")
SCRIPT = re.compile(r"(CI=\w+ |ATTN_\w+=\w+ )?((utils/[\w-]+\.(sh|py))|\.ci/run)\b")
BLOCK = re.compile(
    r"^```(?P<language>sh|python|mlir|c|cpp)\n(?P<code>.*?)^```\n(?:\n*^```output\n(?P<output>.*?)^```)?",
    re.MULTILINE | re.DOTALL,
)


def blocks(path):
    """(line, language, code, wanted output or None) of each block."""
    text = path.read_text()
    if path.suffix == ".mlir":
        lines = re.findall(r"^//   (.*)$", text, re.MULTILINE)
        yield 1, "sh", "\n".join(lines) + "\n", None
        return
    for match in BLOCK.finditer(text):
        yield (
            text.count("\n", 0, match.start()) + 2,
            match["language"],
            match["code"],
            match["output"],
        )


def commands(block):
    """The commands of a block, continued lines joined, comments dropped."""
    for line in block.replace("\\\n", " ").splitlines():
        line = re.sub(r"(^|\s)#.*", "", line).strip().removeprefix("$ ")
        if line:
            yield line


def playground(bin_dir, folder):
    """Links to everything in the repository, with the build folder's tools as a reader has them."""
    for entry in ROOT.iterdir():
        if entry.name not in ("build", ".git"):
            (folder / entry.name).symlink_to(entry)
    for preset in ("release", "dev"):
        (folder / "build" / preset).mkdir(parents=True)
        (folder / "build" / preset / "bin").symlink_to(bin_dir)
        (folder / "build" / preset / "lib").symlink_to(bin_dir.parent / "lib")


def in_order(output, wanted):
    """The first wanted line that does not follow in the output, or None."""
    rest = iter(output.splitlines())
    for line in wanted.splitlines():
        pattern = ".*".join(re.escape(part.strip()) for part in line.split("..."))
        if not any(re.search(pattern, candidate) for candidate in rest):
            return line
    return None


def program(language, block):
    """The command line that runs a block; None when no command of it is run."""
    if language == "python":
        return [str(ROOT / ".venv/bin/python"), "-c", block]
    run = []
    for command in commands(block):
        if RUN.match(command) or RUN_PYTHON.match(command):
            run.append(command)
        elif script := SCRIPT.match(command):
            if not (ROOT / script[2]).exists():
                raise ValueError(f"there is no {script[2]}")
        elif not NOT_RUN.match(command):
            raise ValueError(f"no test can run '{command}'")
    # The one C compiler that is there for certain.
    run.insert(0, 'cc() { clang "$@"; }')
    return ["bash", "-e", "-o", "pipefail", "-c", "\n".join(run)] if run[1:] else None


def check_block(language, block, wanted, folder, environment):
    """What is wrong with a block, or None, and whether it was run."""
    try:
        command = program(language, block)
    except ValueError as problem:
        return str(problem), False
    if command is None:
        return None, False
    result = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
    )
    if result.returncode != 0:
        return f"ended with {result.returncode}:\n{result.stdout[-2000:]}", True
    if wanted is not None and (line := in_order(result.stdout, wanted)) is not None:
        return f"does not print '{line}':\n{result.stdout[-3000:]}", True
    return None, True


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    bin_dir = pathlib.Path(sys.argv[1]).resolve()
    paths = [pathlib.Path(name).resolve() for name in sys.argv[2:]]
    paths = paths or [path for glob in GLOBS for path in sorted(ROOT.glob(glob))]
    environment = dict(os.environ, PATH=f"{bin_dir}:/usr/lib/llvm-22/bin:{os.environ['PATH']}")
    environment["PYTHONPATH"] = str(bin_dir.parent / "python")
    count = failed = 0
    for path in paths:
        name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        with tempfile.TemporaryDirectory() as folder:
            playground(bin_dir, pathlib.Path(folder))
            for line, language, block, wanted in blocks(path):
                if language in ("sh", "python"):
                    problem, ran = check_block(language, block, wanted, folder, environment)
                    count += ran
                    if path.suffix == ".mlir" and not ran:
                        problem = "an example without a command in its head"
                    if problem:
                        failed += 1
                        print(f"{name}:{line}: {problem}")
                elif file := FILE.match(block):
                    pathlib.Path(folder, file[1]).write_text(block)
    print(f"{count} blocks run, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
