# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""python -m attn_mlir demo | doctor [--json] | cache info | cache clear"""

import argparse
import json
import sys

from . import demo, doctor


def show_cache(_):
    from ._attn import cache_info

    folder, files, size, most = cache_info()
    if not folder:
        print("there is no cache: ATTN_MLIR_CACHE_DIR is empty, or there is no home")
        return 0
    print(f"{folder}: {files} kernels, {size / 1e6:.1f} MB of at most {most / 1e6:.0f} MB")
    return 0


def clear_cache(_):
    from ._attn import cache_clear, cache_info

    folder, files, *_ = cache_info()
    try:
        cache_clear()
    except ValueError as error:
        print(f"attn_mlir: {error}", file=sys.stderr)
        return 1
    print(f"{folder}: removed {files} kernels" if folder else "there is no cache")
    return 0


def run_doctor(options):
    report = doctor.examine()
    print(json.dumps(report, indent=2) if options.json else doctor.text(report))
    return 0 if report["verdict"] == "ok" else 1


def main():
    parser = argparse.ArgumentParser(prog="python -m attn_mlir", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    command = commands.add_parser("demo", help="compile, check and time attention, and draw heads")
    command.add_argument("--page", help="where the page of heads goes (a temporary folder)")
    command.set_defaults(run=lambda options: demo.main(options.page))
    command = commands.add_parser("doctor", help="say what is installed, and whether it works")
    command.add_argument("--json", action="store_true", help="for programs")
    command.set_defaults(run=run_doctor)
    cache = commands.add_parser("cache", help="look at compiled code that is kept, or remove it")
    cache_commands = cache.add_subparsers(required=True, metavar="command")
    cache_commands.add_parser("info", help="say where it is and how large").set_defaults(
        run=show_cache
    )
    cache_commands.add_parser("clear", help="remove all of it").set_defaults(run=clear_cache)
    options = parser.parse_args()
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
