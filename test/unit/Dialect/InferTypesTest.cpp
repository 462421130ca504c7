//===- InferTypesTest.cpp - Ops built without result types ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the builders infer has to be what a person would have written, and the
// verifier has to accept it.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/Attn.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace attn;

namespace {

constexpr int64_t kAny = ShapedType::kDynamic;

class InferTypesTest : public testing::Test {
protected:
  InferTypesTest() : builder(&context) {
    context.loadDialect<AttnDialect, func::FuncDialect>();
    module = ModuleOp::create(loc());
    builder.setInsertionPointToEnd(module->getBody());
    auto func = func::FuncOp::create(builder, loc(), "f",
                                     builder.getFunctionType({}, {}));
    block = func.addEntryBlock();
    builder.setInsertionPointToEnd(block);
  }

  Location loc() { return UnknownLoc::get(&context); }
  RankedTensorType tensor(ArrayRef<int64_t> shape, Type element) {
    return RankedTensorType::get(shape, element);
  }
  Value argument(ArrayRef<int64_t> shape, Type element) {
    return block->addArgument(tensor(shape, element), loc());
  }
  ArrayAttr layouts(ArrayRef<SmallVector<unsigned>> orders) {
    SmallVector<AffineMap> maps;
    for (ArrayRef<unsigned> order : orders)
      maps.push_back(AffineMap::getPermutationMap(order, &context));
    return builder.getAffineMapArrayAttr(maps);
  }

  MLIRContext context;
  OpBuilder builder;
  OwningOpRef<ModuleOp> module;
  Block *block = nullptr;
};

TEST_F(InferTypesTest, SdpaTakesSizesFromWhoeverKnowsThem) {
  Type f16 = builder.getF16Type(), f32 = builder.getF32Type();
  auto op = SdpaOp::create(builder, loc(), argument({kAny, 8, 5, 64}, f16),
                           argument({2, 4, kAny, 64}, f16),
                           argument({2, 4, 7, 32}, f16), ArrayAttr(),
                           /*returnsLse=*/true, /*returnsWeights=*/true);
  EXPECT_EQ(op.getOutput().getType(), tensor({2, 8, 5, 32}, f16));
  EXPECT_EQ(op.getLse().getType(), tensor({2, 8, 5}, f32));
  EXPECT_EQ(op.getWeights().getType(), tensor({2, 8, 5, 7}, f32));
  EXPECT_TRUE(succeeded(verify(op)));
}

TEST_F(InferTypesTest, SdpaAsksForTheResultsOfItsSegments) {
  Type f64 = builder.getF64Type();
  Value x = argument({1, 2, kAny, 8}, f64);
  auto plain = SdpaOp::create(builder, loc(), x, x, x);
  ASSERT_EQ(plain->getNumResults(), 1u);
  EXPECT_EQ(plain.getOutput().getType(), tensor({1, 2, kAny, 8}, f64));
  auto looked = SdpaOp::create(builder, loc(), x, x, x, ArrayAttr(),
                               /*returnsLse=*/false, /*returnsWeights=*/true);
  ASSERT_EQ(looked->getNumResults(), 2u);
  EXPECT_FALSE(looked.getLse());
  EXPECT_EQ(looked.getWeights().getType(), tensor({1, 2, kAny, kAny}, f64));
  EXPECT_TRUE(succeeded(verify(looked)));
}

TEST_F(InferTypesTest, SdpaReadsAndWritesThroughLayouts) {
  Type f32 = builder.getF32Type();
  // Query [B, S, H, D], key [B, H, D, S], value [S, B, H, D], output as query.
  ArrayAttr maps =
      layouts({{0, 2, 1, 3}, {0, 1, 3, 2}, {2, 0, 1, 3}, {0, 2, 1, 3}});
  auto op = SdpaOp::create(builder, loc(), argument({2, 5, 8, 64}, f32),
                           argument({2, 4, 64, kAny}, f32),
                           argument({7, 2, 4, 32}, f32), maps,
                           /*returnsLse=*/true, /*returnsWeights=*/true);
  EXPECT_EQ(op.getOutput().getType(), tensor({2, 5, 8, 32}, f32));
  EXPECT_EQ(op.getLse().getType(), tensor({2, 8, 5}, f32));
  EXPECT_EQ(op.getWeights().getType(), tensor({2, 8, 5, 7}, f32));
  EXPECT_TRUE(succeeded(verify(op)));
}

TEST_F(InferTypesTest, MhaTakesTheOutputWeightsRows) {
  Type bf16 = builder.getBF16Type(), f32 = builder.getF32Type();
  Value w = argument({48, 48}, bf16), wo = argument({20, 48}, bf16);
  auto op = MhaOp::create(builder, loc(), argument({kAny, 9, 48}, bf16),
                          ValueRange{w, w, w, wo}, 4, /*returnsWeights=*/true);
  EXPECT_EQ(op.getOutput().getType(), tensor({kAny, 9, 20}, bf16));
  EXPECT_EQ(op.getProbabilities().getType(), tensor({kAny, 4, 9, 9}, f32));
  EXPECT_TRUE(succeeded(verify(op)));
}

TEST_F(InferTypesTest, MhaTakesKeysFromTheContext) {
  Type f32 = builder.getF32Type();
  Value w = argument({16, 16}, f32), wk = argument({16, 24}, f32);
  MhaOp::Properties properties;
  properties.heads = builder.getI64IntegerAttr(2);
  properties.operandSegmentSizes = {1, 1, 4};
  properties.returns_weights = builder.getUnitAttr();
  auto op = MhaOp::create(builder, loc(),
                          ValueRange{argument({kAny, kAny, 16}, f32),
                                     argument({3, 11, 24}, f32), w, wk, wk, w},
                          properties);
  EXPECT_EQ(op.getOutput().getType(), tensor({3, kAny, 16}, f32));
  EXPECT_EQ(op.getProbabilities().getType(), tensor({3, 2, kAny, 11}, f32));
  EXPECT_TRUE(succeeded(verify(op)));
}

// What no type fits is the verifier's to say, under its label.
TEST_F(InferTypesTest, WrongOperandsAreLeftToTheVerifier) {
  Type f32 = builder.getF32Type();
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    message += diagnostic.str();
    return success();
  });
  auto sdpa = SdpaOp::create(builder, loc(), argument({2, 8}, f32),
                             argument({2, 8}, f32), argument({2, 8}, f32),
                             layouts({{0, 1, 2, 3}}));
  EXPECT_TRUE(failed(verify(sdpa)));
  EXPECT_EQ(message, "'attn.sdpa' op expects query of rank 4, but got "
                     "'tensor<2x8xf32>'");
  message.clear();
  auto mha = MhaOp::create(builder, loc(), argument({2, 8, 4}, f32), {}, 4);
  EXPECT_TRUE(failed(verify(mha)));
  EXPECT_EQ(message, "'attn.mha' op expects 4 weights (wq, wk, wv, wo), but "
                     "got 0");
}

} // namespace
