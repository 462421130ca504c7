#!/bin/bash
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: complete.sh BREAKS TOOL LINE
#
# What bash offers behind `TOOL LINE`, one word a line, with COMP_WORDBREAKS set to BREAKS.
set -euo pipefail

tool=$2
source <("$tool" --bash-completion)
# complete -F FUNCTION NAME
read -r _ _ function name < <(complete -p "$(basename "$tool")")
COMP_WORDBREAKS=$1
COMP_LINE="$name $3"
COMP_POINT=${#COMP_LINE}
"$function" "$name"
((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
