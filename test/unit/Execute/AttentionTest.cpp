//===- AttentionTest.cpp - Tests of compiled attention as a callee --------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One executable called from several threads, with any number of its own, gives
// the bits of a single call; and a row's bits are its own: batch, heads and
// strides do not show. Whether the numbers are right is judged elsewhere.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/Compiler.h"
#include "attn/Execute/Host.h"

#include "gtest/gtest.h"

#include <atomic>
#include <cstring>
#include <random>
#include <thread>

using namespace attn;

namespace {

const char *const source = R"(
func.func @attend(%q: tensor<?x?x?x24xf32>, %k: tensor<?x?x?x24xf32>, %v: tensor<?x?x?x24xf32>)
    -> tensor<?x?x?x24xf32> {
  %o = attn.sdpa %q, %k, %v causal(bottom_right)
    : tensor<?x?x?x24xf32>, tensor<?x?x?x24xf32>, tensor<?x?x?x24xf32> -> tensor<?x?x?x24xf32>
  return %o : tensor<?x?x?x24xf32>
})";

Tensor randomTensor(llvm::ArrayRef<int64_t> shape, unsigned seed) {
  Tensor tensor = *Tensor::allocate(shape, Dtype::F32);
  std::mt19937 bits(seed);
  std::normal_distribution<float> normal;
  for (int64_t i = 0; i < tensor.size(); ++i)
    tensor.set(i, normal(bits));
  return tensor;
}

bool sameBits(const Tensor &a, const Tensor &b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data(), b.data(), a.bytes()) == 0;
}

class AttentionTest : public testing::Test {
protected:
  static void SetUpTestSuite() {
    Compiler compiler;
    PipelineOptions options;
    options.target = llvm::cantFail(resolveTarget("cpu"));
    Compiler::Module module = llvm::cantFail(compiler.parseText(source));
    executable =
        llvm::cantFail(compiler.compile(*module, "attend", options)).release();
  }
  static void TearDownTestSuite() { delete executable; }

  static Tensor call(llvm::ArrayRef<TensorView> inputs, int threads = 1) {
    CallOptions options;
    options.threads = threads;
    return llvm::cantFail(executable->call(inputs, options))[0];
  }
  /// Attention of (batch, head) of `q`, `k`, `v` alone, read in place.
  static TensorView slice(const Tensor &tensor, int64_t b, int64_t h) {
    TensorView view = tensor.view();
    view.data = static_cast<float *>(view.data) + b * view.strides[0] +
                h * view.strides[1];
    view.shape[0] = view.shape[1] = 1;
    return view;
  }

  static Executable *executable;
};

Executable *AttentionTest::executable = nullptr;

TEST_F(AttentionTest, ThreadsDoNotShow) {
  Tensor q = randomTensor({2, 3, 67, 24}, 1),
         k = randomTensor({2, 3, 131, 24}, 2);
  Tensor alone = call({q.view(), k.view(), k.view()});
  for (int threads : {2, 3, 8})
    EXPECT_TRUE(sameBits(alone, call({q.view(), k.view(), k.view()}, threads)))
        << threads;
}

TEST_F(AttentionTest, BatchAndHeadsDoNotShow) {
  Tensor q = randomTensor({2, 3, 67, 24}, 1),
         k = randomTensor({2, 3, 131, 24}, 2);
  Tensor together = call({q.view(), k.view(), k.view()}, 2);
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t h = 0; h < 3; ++h) {
      Tensor alone = call({slice(q, b, h), slice(k, b, h), slice(k, b, h)});
      const float *part = together.dataAs<float>() + (b * 3 + h) * 67 * 24;
      EXPECT_EQ(std::memcmp(alone.data(), part, alone.bytes()), 0)
          << b << ", " << h;
    }
}

TEST_F(AttentionTest, StridesDoNotShow) {
  // [B, S, H, D] in memory, seen as [B, H, S, D].
  Tensor packed = randomTensor({2, 40, 3, 24}, 3),
         straight = *Tensor::allocate({2, 3, 40, 24}, Dtype::F32);
  TensorView view = packed.view();
  std::swap(view.shape[1], view.shape[2]);
  std::swap(view.strides[1], view.strides[2]);
  copyRowMajor(view, straight.data());
  EXPECT_TRUE(
      sameBits(call({view, view, view}),
               call({straight.view(), straight.view(), straight.view()})));
}

TEST_F(AttentionTest, SeveralThreadsCallAtOnce) {
  std::vector<Tensor> inputs, expected;
  for (int i = 0; i < 4; ++i) {
    inputs.push_back(randomTensor({1, 2, 30 + 7 * i, 24}, 10 + i));
    expected.push_back(
        call({inputs[i].view(), inputs[i].view(), inputs[i].view()}));
  }
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&, i] {
      TensorView view = inputs[i].view();
      for (int round = 0; round < 50; ++round)
        wrong +=
            !sameBits(expected[i], call({view, view, view}, 1 + round % 3));
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(AttentionTest, EmptyTensors) {
  Tensor none = randomTensor({1, 2, 0, 24}, 1),
         some = randomTensor({1, 2, 5, 24}, 2);
  EXPECT_EQ(call({none.view(), some.view(), some.view()}).str(),
            "1x2x0x24xf32");
  Tensor zeros = call({some.view(), none.view(), none.view()});
  for (int64_t i = 0; i < zeros.size(); ++i)
    ASSERT_EQ(zeros.at(i), 0) << i;
}

} // namespace
