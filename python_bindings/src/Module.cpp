//===- Module.cpp - The extension module attn_mlir._attn ------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What Python sees of attn-c. The package around it is written in Python.
//
//===----------------------------------------------------------------------===//

#include "Array.h"
#include "Entry.h"
#include "Errors.h"
#include "Sdpa.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>

#include <set>

using namespace attn::python;

static constexpr char sdpaDoc[] =
    R"(softmax(scale * q k^T) v for each batch and head, fused; no tensor of M x N is made.

q [B, Hq, M, D], k [B, Hkv, N, D], v [B, Hkv, N, Dv]: arrays of numpy (ml_dtypes.bfloat16
included), torch, or anything with DLPack, float64, float32, float16 or bfloat16, of any strides.
Contiguous ones in the orders BHSD, BSHD and SBHD are read in place, and so are slices of such: parts of a
packed QKV, the start of a cache. Others are copied first.
The result, [B, Hq, M, Dv], is of the kind and type of q; sums are float32 (float64 for float64).

The steps: scale, softcap, score_mod, ALiBi, additive mask; then boolean mask, mask_mod, causal,
window, kv_lens; then sinks. A key that is dropped takes no part, whatever it holds; a row that keeps none is 0.

attn_mask      bool (True: attend) or floating point (added), broadcasts to [B, Hq, M, N]
is_causal      keep n <= m + offset
causal_align   the offset: 'top_left' is 0, 'bottom_right' is N - M (kv_lens[b] - M beside
               kv_lens), or an integer; for window and ALiBi too
scale          a number; 1 / sqrt(D) without
window         (left, right): keep m + offset - left <= n <= m + offset + right; -1 is no bound
softcap        scores become softcap * tanh(scores / softcap); 0 is no cap
alibi_slopes   [Hq]: slopes[h] * |n - (m + offset)| is subtracted
sinks          [Hq]: logits that join the denominator
kv_lens        [B] integers in [0, N]: keep n < kv_lens[b]
score_mod      a function of (score, b, h, m, n), traced once into the kernel: operators, and numpy's
               and torch's functions, on what it is given; arrays that it indexes are read at the call
mask_mod       a function of (b, h, m, n): True keeps the key
enable_gqa     allow Hkv to divide Hq: head h reads key head h // (Hq // Hkv)
return_lse     return (output, lse [B, Hq, M]), the natural log of the sums without the sinks
out            the array to write to, of any strides; it may be one of the inputs
threads        how many to use; as many as there are CPUs without
target         'cpu' (this machine), 'cpu:<name or level>', 'linalg', or 'nvvm-emulation:sm_90a',
               which runs the GPU kernel on the CPU (bfloat16 and float16)

ValueError or TypeError names the argument, what was expected and what was found.)";

namespace {

/// A module for the time of one call.
struct Parsed {
  Parsed(const std::string &source, const std::string &name,
         const std::string &target) {
    throwCompileError(
        attn_module_parse(source.data(), source.size(), name.c_str(), &module),
        source, "", target);
  }
  Parsed(const Parsed &) = delete;
  Parsed &operator=(const Parsed &) = delete;
  ~Parsed() { attn_module_destroy(module); }

  attn_module *module = nullptr;
};

/// An entry compiled for C programs.
class Program {
public:
  Program(const std::string &source, const std::string &name,
          const std::string &entry, const std::string &target) {
    attn_options options{entry.empty() ? nullptr : entry.c_str(),
                         target.c_str(), 0};
    attn_error *error;
    {
      nb::gil_scoped_release others;
      error = attn_program_compile(source.data(), source.size(), name.c_str(),
                                   &options, nullptr, &program);
    }
    throwCompileError(error, source, entry, target);
  }
  Program(const Program &) = delete;
  Program &operator=(const Program &) = delete;
  ~Program() { attn_program_destroy(program); }

  nb::bytes emit(int kind) {
    char *bytes = nullptr;
    size_t size = 0;
    throwIf(attn_program_emit(program, static_cast<attn_program_kind>(kind),
                              &bytes, &size));
    nb::bytes result(bytes, size);
    attn_text_destroy(bytes);
    return result;
  }

private:
  attn_program *program = nullptr;
};

/// Says what is wrong with a call whose names or number of arguments nanobind
/// could not place; its own words would fill a page.
[[noreturn]] void refuseCall(const nb::args &arguments,
                             const nb::kwargs &options) {
  static const std::set<std::string> names = {"q",          "k",
                                              "v",          "attn_mask",
                                              "is_causal",  "causal_align",
                                              "scale",      "window",
                                              "softcap",    "alibi_slopes",
                                              "sinks",      "kv_lens",
                                              "score_mod",  "mask_mod",
                                              "enable_gqa", "return_lse",
                                              "out",        "threads",
                                              "target"};
  for (auto [name, value] : options) {
    std::string text = nb::cast<std::string>(name);
    if (!names.count(text))
      raise(PyExc_TypeError,
            "%s: expected an option that help(attn_mlir.sdpa) lists, found "
            "another name",
            text.substr(0, 40).c_str());
  }
  raise(PyExc_TypeError,
        "sdpa: expected q, k, v and options by name, found %zu arguments by "
        "position and %zu by name",
        arguments.size(), options.size());
}

/// A text of attn-c as a string.
std::string taken(char *text) {
  std::string copy = text;
  attn_text_destroy(text);
  return copy;
}

} // namespace

NB_MODULE(_attn, module) {
  module.doc() = "attn-c/attn.h for Python.";
  module.attr("__version__") = attn_version();
  module.def(
      "sdpa",
      [](nb::handle q, nb::handle k, nb::handle v, nb::handle attnMask,
         nb::handle isCausal, nb::handle causalAlign, nb::handle scale,
         nb::handle window, nb::handle softcap, nb::handle alibiSlopes,
         nb::handle sinks, nb::handle kvLens, nb::handle scoreMod,
         nb::handle maskMod, nb::handle enableGqa, nb::handle returnLse,
         nb::handle out, nb::handle threads, nb::handle target) {
        return sdpa({q, k, v, attnMask, isCausal, causalAlign, scale, window,
                     softcap, alibiSlopes, sinks, kvLens, scoreMod, maskMod,
                     enableGqa, returnLse, out, threads, target});
      },
      nb::arg("q").none(), nb::arg("k").none(), nb::arg("v").none(),
      nb::kw_only(), nb::arg("attn_mask") = nb::none(),
      nb::arg("is_causal").none() = false,
      nb::arg("causal_align").none() = "top_left",
      nb::arg("scale") = nb::none(),
      nb::arg("window").none() = nb::make_tuple(-1, -1),
      nb::arg("softcap").none() = 0.0, nb::arg("alibi_slopes") = nb::none(),
      nb::arg("sinks") = nb::none(), nb::arg("kv_lens") = nb::none(),
      nb::arg("score_mod") = nb::none(), nb::arg("mask_mod") = nb::none(),
      nb::arg("enable_gqa").none() = false,
      nb::arg("return_lse").none() = false, nb::arg("out") = nb::none(),
      nb::arg("threads") = nb::none(), nb::arg("target").none() = "cpu",
      nb::sig("def sdpa(q, k, v, *, attn_mask=None, is_causal: bool = False, "
              "causal_align: str | int = 'top_left', "
              "scale: float | None = None, window: tuple[int, int] = (-1, -1), "
              "softcap: float = 0.0, alibi_slopes=None, sinks=None, "
              "kv_lens=None, score_mod=None, mask_mod=None, "
              "enable_gqa: bool = False, return_lse: bool = False, out=None, "
              "threads: int | None = None, target: str = 'cpu')"),
      sdpaDoc);
  // Where the first does not match.
  module.def(
      "sdpa",
      [](nb::args arguments, nb::kwargs options) {
        refuseCall(arguments, options);
      },
      nb::sig("def sdpa() -> None"), "TypeError: q, k and v are missing.");

  nb::class_<Weights>(module, "Weights",
                      "Copies of an entry's weights, packed.");
  nb::class_<Entry>(module, "Entry", "A compiled entry.")
      .def(nb::init<const std::string &, const std::string &,
                    const std::string &, const std::string &>(),
           nb::arg("source"), nb::arg("name"), nb::arg("entry"),
           nb::arg("target"))
      .def("call", &Entry::call, nb::arg("arguments"), nb::kw_only(),
           nb::arg("out").none(), nb::arg("threads"), nb::arg("weights").none())
      .def("prepack", &Entry::prepack, nb::arg("weights"),
           nb::keep_alive<0, 1>())
      .def("signature", &Entry::signature, nb::arg("prepacked"));

  nb::class_<Program>(module, "Program", "An entry compiled for C programs.")
      .def(nb::init<const std::string &, const std::string &,
                    const std::string &, const std::string &>(),
           nb::arg("source"), nb::arg("name"), nb::arg("entry"),
           nb::arg("target"))
      .def("emit", &Program::emit, nb::arg("kind"),
           "The bytes of a file of this kind, an attn_program_kind.");

  module.def(
      "lower",
      [](const std::string &source, const std::string &name,
         const std::string &target, const std::string &stopAfter) {
        Parsed parsed(source, name, target);
        throwCompileError(
            attn_module_lower(parsed.module, target.c_str(), stopAfter.c_str()),
            source, "", target);
        return taken(attn_module_print(parsed.module));
      },
      nb::arg("source"), nb::arg("name"), nb::arg("target"),
      nb::arg("stop_after"), "The source as it leaves a room.");
  module.def(
      "explain",
      [](const std::string &source, const std::string &name,
         const std::string &target) {
        Parsed parsed(source, name, target);
        char *text = nullptr;
        throwCompileError(
            attn_module_explain(parsed.module, target.c_str(), &text), source,
            "", target);
        return taken(text);
      },
      nb::arg("source"), nb::arg("name"), nb::arg("target"),
      "What each room does with the source, and the plans.");
  module.def(
      "rooms", [] { return taken(attn_rooms()); },
      "`input, raise, optimize, split-heads, ...`");
  module.def(
      "describe_target",
      [](const std::string &target) {
        char *text = nullptr;
        throwIf(attn_target_describe(target.c_str(), &text));
        return taken(text);
      },
      nb::arg("target"), "What a target string means on this machine.");
  module.def(
      "cache_info",
      [] {
        attn_cache_contents contents;
        char *folder = attn_cache_info(&contents);
        auto info = nb::make_tuple(folder, contents.files, contents.bytes,
                                   contents.max_bytes);
        attn_text_destroy(folder);
        return info;
      },
      nb::sig("def cache_info() -> tuple[str, int, int, int]"),
      "Folder (empty: there is none), files, bytes, most bytes.");
  module.def(
      "cache_clear", [] { throwIf(attn_cache_clear()); },
      "Removes all compiled code from the cache.");
}
