# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What an editor does with a file of attention: session.py SERVER."""

import sys

from lsp_client import Client

TYPES = "tensor<1x4x?x8xf32>, tensor<1x{heads}x?x8xf32>, tensor<1x{heads}x?x8xf32>"
TEXT = """func.func @f(%q: tensor<1x4x?x8xf32>, %k: tensor<1x{heads}x?x8xf32>,
             %v: tensor<1x{heads}x?x8xf32>) -> tensor<1x4x?x8xf32> {{
  %o = attn.sdpa %q, %k, %v causal(top_left)
    : {types} -> tensor<1x4x?x8xf32>
  return %o : tensor<1x4x?x8xf32>
}}
"""
URI = "file:///attention.mlir"


def text(heads):
    return TEXT.format(heads=heads, types=TYPES.format(heads=heads))


def at(line, character):
    return {"textDocument": {"uri": URI}, "position": {"line": line, "character": character}}


def check(name, found, *wanted):
    missing = [part for part in wanted if part not in found]
    if missing:
        sys.exit(f"{name}: expected {missing} in {found}")
    print(f"{name}: ok")


def main():
    with Client([sys.argv[1]]) as client:
        talk(client)
        check("exit code", [client.close()], 0)


def talk(client):
    answer = client.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    check("capabilities", answer["capabilities"], "hoverProvider", "definitionProvider")
    client.send("initialized", {})

    document = {"uri": URI, "languageId": "mlir", "version": 1, "text": text(3)}
    client.send("textDocument/didOpen", {"textDocument": document})
    published = client.wait_for("textDocument/publishDiagnostics")
    (problem,) = published["diagnostics"]
    message = "'attn.sdpa' op expects query heads (4) to be a multiple of key heads (3)"
    check("diagnostic", problem["message"], message)
    check("its line", [problem["range"]["start"]["line"]], 2)

    change = {"textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"text": text(2)}]}
    client.send("textDocument/didChange", change)
    published = client.wait_for("textDocument/publishDiagnostics")
    check("mended", {"number": len(published["diagnostics"])}.items(), ("number", 0))

    hover = client.ask("textDocument/hover", at(2, 10))["contents"]["value"]
    check("hover", hover, "attn.sdpa", "causal = 0", "operandSegmentSizes")
    # What the rooms say of the op is added to the hover of MLIR's server, for this machine.
    check("plan", hover, "* attn-fuse Plan, Passed: #attn.plan<room = cpu, form = flash")
    check("keys", hover, "* attn-tile KeyRange, Passed: keys that the mask drops")
    hover = client.ask("textDocument/hover", at(2, 18))["contents"]["value"]
    check("hover of a value", [hover.count("Plan"), hover.count("Argument #0")], 0, 1)

    # An answer for a text that was changed is not an old one.
    change = (
        text(2)
        .replace("returns", "")
        .replace(
            " = attn.sdpa %q, %k, %v causal(top_left)",
            ", %p = attn.sdpa %q, %k, %v returns(weights)",
        )
    )
    change = change.replace(
        "-> tensor<1x4x?x8xf32>\n  return", "-> tensor<1x4x?x8xf32>, tensor<1x4x?x?xf32>\n  return"
    )
    change = {"textDocument": {"uri": URI, "version": 3}, "contentChanges": [{"text": change}]}
    client.send("textDocument/didChange", change)
    hover = client.ask("textDocument/hover", at(2, 14))["contents"]["value"]
    check(
        "declined",
        hover,
        "* attn-fuse Plan, Missed: #attn.plan<room = linalg",
        "the weights are a result",
    )

    # Half a program has no plan, and its hover is the server's.
    client.send("textDocument/didOpen", {"textDocument": dict(document, uri="file:///half.mlir")})
    where = {"textDocument": {"uri": "file:///half.mlir"}, "position": {"line": 2, "character": 10}}
    hover = client.ask("textDocument/hover", where)
    check("half", [hover is None or "Plan" not in hover["contents"]["value"]], True)

    client.send(
        "textDocument/didChange",
        {"textDocument": {"uri": URI, "version": 4}, "contentChanges": [{"text": text(2)}]},
    )
    (place,) = client.ask("textDocument/definition", at(2, 22))
    check("definition", [place["uri"], place["range"]["start"]["line"]], URI, 0)


if __name__ == "__main__":
    main()
