//===- Completion.cpp - The shell completes a tool's words ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/shared/Completion.h"

#include "attn/Pipeline/Stage.h"
#include "attn/Support/TargetInfo.h"
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

/// Chips of which the compiler may know some.
constexpr StringLiteral chips[] = {"sm_80",   "sm_86",   "sm_87",   "sm_89",
                                   "sm_90",   "sm_90a",  "sm_100",  "sm_100a",
                                   "sm_103a", "sm_110a", "sm_120a", "sm_121a"};

/// Kinds of targets, with the names of processors that they know; LLVM's own
/// tables for CPUs.
std::string targetWords() {
  SmallVector<StringRef> names(std::begin(chips), std::end(chips));
  X86::fillValidCPUArchList(names, /*Only64Bit=*/true);
  AArch64::fillValidCPUArchList(names);
  std::string words = "cpu linalg";
  for (StringRef kind : {"cpu", "linalg", "nvvm", "nvvm-emulation"})
    for (StringRef name : names) {
      std::string target = (kind + ":" + name).str();
      if (Expected<TargetInfo> known = TargetInfo::parse(target))
        words += " " + target;
      else
        consumeError(known.takeError());
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
