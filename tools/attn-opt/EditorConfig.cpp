//===- EditorConfig.cpp - Settings for editors ----------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EditorConfig.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"

using namespace llvm;

namespace attn {
namespace {

/// A string as JSON, Lua and Lisp alike read it.
std::string quoted(StringRef text) {
  std::string result;
  raw_string_ostream(result) << json::Value(text);
  return result;
}

void printVSCode(raw_ostream &os, StringRef server) {
  os << formatv("{0:2}\n",
                json::Value(json::Object{{"mlir.server_path", server.str()}}));
}

void printNeovim(raw_ostream &os, StringRef server) {
  os << "vim.filetype.add({ extension = { mlir = \"mlir\" } })\n"
        "vim.lsp.config(\"attn\", {\n"
        "  cmd = { "
     << quoted(server)
     << " },\n"
        "  filetypes = { \"mlir\" },\n"
        "  root_markers = { \".git\" },\n"
        "})\n"
        "vim.lsp.enable(\"attn\")\n";
}

/// mlir-mode comes with LLVM; who does not have it gets comments at least.
void printEmacs(raw_ostream &os, StringRef server) {
  os << "(unless (fboundp 'mlir-mode)\n"
        "  (define-derived-mode mlir-mode prog-mode \"MLIR\"\n"
        "    (setq-local comment-start \"// \")))\n"
        "(add-to-list 'auto-mode-alist '(\"\\\\.mlir\\\\'\" . mlir-mode))\n"
        "(with-eval-after-load 'eglot\n"
        "  (add-to-list 'eglot-server-programs\n"
        "               '(mlir-mode . ("
     << quoted(server)
     << "))))\n"
        "(add-hook 'mlir-mode-hook #'eglot-ensure)\n";
}

struct Editor {
  StringLiteral word, title, place;
  void (*print)(raw_ostream &, StringRef);
};

constexpr Editor editors[] = {
    {"vscode", "VS Code with the extension MLIR", "settings.json", printVSCode},
    {"neovim", "Neovim 0.11", "init.lua", printNeovim},
    {"emacs", "Emacs 29 with eglot", "init.el", printEmacs}};

} // namespace

Error printEditorConfig(raw_ostream &os, StringRef wanted, StringRef server) {
  bool all = wanted.empty() || wanted == "all", known = all;
  for (const Editor &editor : editors) {
    if (all)
      os << "== " << editor.title << ": " << editor.place << "\n";
    if (all || wanted == editor.word)
      editor.print(os, server);
    known |= wanted == editor.word;
  }
  if (!known)
    return createStringError("--print-editor-config=" + wanted +
                             ": expected vscode, neovim, emacs or all");
  return Error::success();
}

} // namespace attn
