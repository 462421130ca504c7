//===- Bundle.cpp - What ships to a machine with a GPU --------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A header of 64 bytes (magic, size of the file, size and SHA-256 of the
// manifest), the manifest as JSON, then the images, whose places and SHA-256
// are in the manifest.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/Bundle.h"
#include "attn/Execute/LaunchList.h"
#include "attn/Execute/Signature.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/SHA256.h"

using namespace llvm;
using namespace mlir;

namespace attn {
namespace {

constexpr StringLiteral magic("attn-bundle v1\r\n");
constexpr size_t headerBytes = 64, alignment = 64;

std::array<uint8_t, 32> sha256(StringRef bytes) {
  return SHA256::hash(arrayRefFromStringRef(bytes));
}

/// The images one after the other; offsets count from the first.
class Images {
public:
  json::Object add(StringRef bytes) {
    data.resize(alignTo(data.size(), alignment));
    json::Object place{{"offset", int64_t(data.size())},
                       {"size", int64_t(bytes.size())},
                       {"sha256", toHex(sha256(bytes), /*LowerCase=*/true)}};
    data += bytes;
    return place;
  }
  std::string data;
};

std::string putTogether(const json::Object &manifest, StringRef images) {
  std::string text;
  raw_string_ostream(text) << json::Value(json::Object(manifest));
  size_t imagesAt = alignTo(headerBytes + text.size(), alignment);
  std::string file(imagesAt, '\0');
  std::copy(magic.begin(), magic.end(), file.begin());
  support::endian::write64le(&file[16], imagesAt + images.size());
  support::endian::write64le(&file[24], text.size());
  std::array<uint8_t, 32> hash = sha256(text);
  std::copy(hash.begin(), hash.end(), file.begin() + 32);
  std::copy(text.begin(), text.end(), file.begin() + headerBytes);
  return file.append(images.begin(), images.end());
}

/// The threads of a block, as the kernel promises them to ptxas.
int64_t threadsOf(LLVM::LLVMFuncOp kernel) {
  int64_t threads = 1;
  if (auto bounds = kernel->getAttrOfType<DenseI32ArrayAttr>("nvvm.maxntid"))
    for (int32_t bound : bounds.asArrayRef())
      threads *= bound;
  return threads;
}

/// An entry of "modules" and one of "kernels" for each kernel.
llvm::Error addModule(gpu::GPUModuleOp module, const GpuImage &image,
                      Images &images, json::Array &modules,
                      json::Array &kernels) {
  const Ptx &ptx = image.ptx;
  const Cubin &cubin = image.cubin;
  modules.push_back(json::Object{{"name", ptx.module},
                                 {"arch", ptx.chip},
                                 {"cubin", images.add(cubin.bytes)},
                                 {"ptx", images.add(ptx.text)}});
  for (auto kernel : module.getOps<LLVM::LLVMFuncOp>()) {
    if (!kernel->hasAttr("gpu.kernel"))
      continue;
    const KernelResources *resources = cubin.report.find(kernel.getName());
    if (!resources)
      return createStringError("ptxas did not report on kernel '" +
                               kernel.getName() + "'");
    kernels.push_back(
        json::Object{{"name", kernel.getName()},
                     {"module", ptx.module},
                     {"threads", threadsOf(kernel)},
                     {"registers", int64_t(resources->registers)},
                     {"barriers", int64_t(resources->barriers)},
                     {"spill_bytes", int64_t(resources->spillStoreBytes)},
                     {"stack_bytes", int64_t(resources->stackBytes)},
                     {"static_shared_bytes", int64_t(resources->sharedBytes)}});
  }
  return llvm::Error::success();
}

/// `[relation, size, other]`, sizes as the launch list writes numbers.
json::Array toJson(ArrayRef<SizeRule> rules) {
  auto term = [](const SizeTerm &size) -> json::Value {
    if (size.isNumber())
      return size.value;
    return json::Array{"size", size.argument, size.dim};
  };
  auto word = [](SizeRule::Relation relation) {
    switch (relation) {
    case SizeRule::Equal:
      return "equal";
    case SizeRule::AtLeast:
      return "at_least";
    case SizeRule::MultipleOf:
      return "multiple_of";
    }
    llvm_unreachable("all relations are listed");
  };
  json::Array array;
  for (const SizeRule &rule : rules)
    array.push_back(
        json::Array{word(rule.relation), term(rule.size), term(rule.other)});
  return array;
}

} // namespace

Expected<std::string> makeBundle(const GpuCode &code) {
  ModuleOp module = *code.module;
  Expected<func::FuncOp> entry = findEntry(module, code.signature.entry);
  if (!entry)
    return entry.takeError();
  Expected<LaunchList> list = readLaunchList(*entry);
  if (!list)
    return list.takeError();
  Images images;
  json::Array modules, kernels;
  for (auto [kernelModule, image] :
       llvm::zip_equal(module.getOps<gpu::GPUModuleOp>(), code.images))
    if (llvm::Error error =
            addModule(kernelModule, image, images, modules, kernels))
      return std::move(error);
  json::Object manifest{{"entry", entry->getName()},
                        {"arguments", std::move(list->arguments)},
                        {"rules", toJson(code.signature.rules)},
                        {"results", std::move(list->results)},
                        {"workspace", std::move(list->workspace)},
                        {"modules", std::move(modules)},
                        {"kernels", std::move(kernels)},
                        {"launches", std::move(list->launches)}};
  return putTogether(manifest, images.data);
}

} // namespace attn
