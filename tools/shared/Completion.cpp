//===- Completion.cpp - The shell completes a tool's words ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/shared/Completion.h"

#include "attn/Pipeline/Stage.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/AArch64TargetParser.h"
#include "llvm/TargetParser/X86TargetParser.h"

#include <cstdlib>

using namespace llvm;

namespace attn {
namespace {

std::string stageWords() {
  std::string words;
  for (Stage stage : allStages)
    words += (words.empty() ? "" : " ") + stageName(stage).str();
  return words;
}

/// Kinds, and names of CPUs behind them; LLVM's own tables.
std::string targetWords() {
  SmallVector<StringRef> names;
  X86::fillValidCPUArchList(names, /*Only64Bit=*/true);
  AArch64::fillValidCPUArchList(names);
  std::string words;
  for (StringRef kind : {"cpu", "linalg"}) {
    words += (words.empty() ? "" : " ") + kind.str();
    for (StringRef name : names)
      words += (" " + kind + ":" + name).str();
  }
  return words;
}

/// What may follow a `-`: the options that --help shows, the passes, and MLIR's
/// own, which begin with mlir-. An option that wants a value ends with `=`.
std::string optionWords() {
  std::vector<std::string> words;
  for (const auto &[name, option] : cl::getRegisteredOptions()) {
    bool isPass = option->ArgStr.empty();
    if (option->getOptionHiddenFlag() != cl::NotHidden && !isPass &&
        !name.starts_with("mlir-"))
      continue;
    bool wantsValue =
        !isPass && option->getValueExpectedFlag() == cl::ValueRequired;
    if (name.size() == 1)
      words.push_back(("-" + name).str());
    else
      words.push_back(("--" + name + (wantsValue ? "=" : "")).str());
  }
  sort(words);
  return join(words, " ");
}

// Works without the package bash-completion. bash splits words at the
// characters of COMP_WORDBREAKS, which hold = and : by default, and replaces
// only what stands behind the last of them.
constexpr StringLiteral scriptStart =
    R"bash(# source <(@tool@ --bash-completion)
@function@() {
  local line=${COMP_LINE:0:COMP_POINT} IFS=$'\n'
  local word=${line##*[[:space:]]}
  local value=${word#*=} words= files= i kept=
  case $word in
  --*=*)
    case ${word%%=*} in
)bash";
constexpr StringLiteral scriptMiddle = R"bash(    *) files=1 value=${value#@} ;;
    esac ;;
  -*) value=$word words=@options@ ;;
  *) files=1 value=$word ;;
  esac
  if [[ $files ]]; then
    compopt -o filenames 2> /dev/null || :
    COMPREPLY=($(compgen -f -- "$value" || :))
  else
    COMPREPLY=($(compgen -W "${words// /$'\n'}" -- "$value" || :))
    [[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace 2> /dev/null || :
  fi
  for ((i = ${#word}; i > 0; --i)); do
    [[ ${COMP_WORDBREAKS-} == *"${word:i-1:1}"* ]] && kept=${word:0:i} && break
  done
  COMPREPLY=("${COMPREPLY[@]/#/"${word%"$value"}"}")
  COMPREPLY=("${COMPREPLY[@]#"$kept"}")
}
complete -F @function@ @tool@
)bash";

std::string quoted(StringRef words) { return ("'" + words + "'").str(); }

std::string fill(StringRef text, StringRef place, StringRef by) {
  std::string result = text.str();
  for (size_t at = 0; (at = result.find(place, at)) != std::string::npos;
       at += by.size())
    result.replace(at, place.size(), by);
  return result;
}

std::string script(StringRef tool, const OptionWords &words) {
  std::string text = scriptStart.str();
  OptionWords all = {{"stop-after", stageWords()}, {"target", targetWords()}};
  all.insert(all.end(), words.begin(), words.end());
  for (const auto &[name, values] : all)
    text += "    --" + name + ") words=" + quoted(values) + " ;;\n";
  text += fill(scriptMiddle, "@options@", quoted(optionWords()));
  text = fill(text, "@function@", "_" + fill(tool, "-", "_"));
  return fill(text, "@tool@", tool);
}

} // namespace

CompletionOption::CompletionOption(std::string tool,
                                   cl::OptionCategory &category,
                                   OptionWords words)
    : option("bash-completion",
             cl::desc("Print a script that completes this tool's words"),
             cl::cat(category),
             cl::callback([tool = std::move(tool),
                           words = std::move(words)](const bool &wanted) {
               if (!wanted)
                 return;
               outs() << script(tool, words);
               outs().flush();
               std::exit(0);
             })) {}

} // namespace attn
