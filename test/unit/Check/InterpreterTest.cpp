//===- InterpreterTest.cpp - The meaning of scalar ops --------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/attn-run/Interpreter.h"

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"

#include <cmath>

#include "gtest/gtest.h"

using namespace mlir;
using namespace attn;

namespace {

class Interpreter : public testing::Test {
protected:
  Interpreter() {
    context.loadDialect<AttnDialect, arith::ArithDialect, func::FuncDialect,
                        index::IndexDialect, math::MathDialect,
                        tensor::TensorDialect>();
  }

  /// Translates the score region of an attention with this code in it.
  llvm::Expected<RegionProgram> translate(const std::string &code) {
    const std::string text = R"(
      func.func @f(%q: tensor<1x1x4x4xf32>, %c: i8) -> tensor<1x1x4x4xf32> {
        %o = attn.sdpa %q, %q, %q captures(%c[] : i8)
          : tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32> -> tensor<1x1x4x4xf32>
          score(%s, %b, %h, %m, %n, %c) { )" +
                             code + R"( attn.yield %r : f32 }
        return %o : tensor<1x1x4x4xf32>
      })";
    module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module) << code;
    SdpaOp found;
    module->walk([&](SdpaOp op) { found = op; });
    return RegionProgram::translate(found.getScore());
  }

  /// The yielded value for score `s`, positions m and n, and capture `c`.
  double run(const std::string &code, double s, int64_t m = 0, int64_t n = 0,
             int64_t c = 0) {
    llvm::Expected<RegionProgram> program = translate(code);
    if (!program) {
      ADD_FAILURE() << llvm::toString(program.takeError());
      return 0.0;
    }
    return program->run({{s, 0}, {0, 1}, {0, 2}, {0, m}, {0, n}, {0, c}})
        .number;
  }

  /// The value of an op on index values, as a number.
  double runInteger(const std::string &op, int64_t m, int64_t n) {
    return run("%i = " + op +
                   " %j = arith.index_cast %i : index to i64"
                   " %r = arith.sitofp %j : i64 to f32",
               0.0, m, n);
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

TEST_F(Interpreter, Floats) {
  const std::pair<const char *, double> table[] = {
      {"arith.addf %s, %s", 6.0},     {"arith.negf %s", -3.0},
      {"arith.divf %s, %s", 1.0},     {"math.tanh %s", std::tanh(3.0)},
      {"math.exp %s", std::exp(3.0)}, {"math.rsqrt %s", 1 / std::sqrt(3.0)},
      {"math.erf %s", std::erf(3.0)}, {"math.fma %s, %s, %s", 12.0},
      {"math.powf %s, %s", 27.0},     {"arith.maximumf %s, %s", 3.0},
      {"math.copysign %s, %s", 3.0},  {"math.absf %s", 3.0},
      {"arith.remf %s, %s", 0.0},     {"math.floor %s", 3.0}};
  for (const auto &[op, value] : table)
    EXPECT_EQ(run("%r = " + std::string(op) + " : f32", 3.0), value) << op;
  EXPECT_TRUE(
      std::isnan(run("%r = arith.maximumf %s, %s : f32", std::nan(""))));
}

TEST_F(Interpreter, Positions) {
  const auto index = [&](const char *op, int64_t m, int64_t n) {
    return runInteger("arith." + std::string(op) + " %m, %n : index", m, n);
  };
  EXPECT_EQ(index("subi", 3, 10), -7.0);
  EXPECT_EQ(index("divsi", -7, 2), -3.0);
  EXPECT_EQ(index("floordivsi", -7, 2), -4.0);
  EXPECT_EQ(index("ceildivsi", -7, 2), -3.0);
  EXPECT_EQ(index("ceildivsi", 7, 2), 4.0);
  EXPECT_EQ(index("remsi", -7, 2), -1.0);
  EXPECT_EQ(index("divui", 7, 2), 3.0);
  EXPECT_EQ(index("maxsi", -7, 2), 2.0);
  EXPECT_EQ(index("minui", -1, 2), 2.0);
  EXPECT_EQ(index("shli", 3, 4), 48.0);
  EXPECT_EQ(index("shrsi", -8, 1), -4.0);
  // Undefined, but no trap.
  EXPECT_EQ(index("divsi", 5, 0), 0.0);
  EXPECT_EQ(index("remui", 5, 0), 0.0);
  EXPECT_EQ(runInteger("index.sub %m, %n", 3, 10), -7.0);
  EXPECT_EQ(runInteger("index.floordivs %m, %n", -7, 2), -4.0);
}

TEST_F(Interpreter, WidthsAndSigns) {
  const char *toFloat = " %r = arith.sitofp %i : i8 to f32";
  EXPECT_EQ(
      run(std::string("%i = arith.addi %c, %c : i8") + toFloat, 0.0, 0, 0, 100),
      -56.0);
  EXPECT_EQ(run("%r = arith.uitofp %c : i8 to f32", 0.0, 0, 0, -1), 255.0);
  EXPECT_EQ(run("%w = arith.extui %c : i8 to i32"
                " %r = arith.sitofp %w : i32 to f32",
                0.0, 0, 0, -1),
            255.0);
  EXPECT_EQ(run("%w = arith.fptosi %s : f32 to i8"
                " %r = arith.sitofp %w : i8 to f32",
                -3.7),
            -3.0);
  EXPECT_EQ(run("%t = arith.truncf %s : f32 to bf16"
                " %r = arith.extf %t : bf16 to f32",
                1.0 + 1.0 / 512),
            1.0);
  // A true i1 is -1 where signs matter.
  EXPECT_EQ(run("%b1 = arith.cmpi eq, %m, %n : index"
                " %r = arith.sitofp %b1 : i1 to f32",
                0.0, 1, 1),
            -1.0);
}

TEST_F(Interpreter, ComparesAndSelects) {
  const auto keeps = [&](const char *condition, int64_t m, int64_t n) {
    return run("%zero = arith.constant 0.0 : f32 %one = arith.constant 1.0 : "
               "f32 %k = " +
                   std::string(condition) +
                   " %r = arith.select %k, %one, %zero : f32",
               0.5, m, n) == 1.0;
  };
  EXPECT_TRUE(keeps("arith.cmpi slt, %m, %n : index", -1, 1));
  EXPECT_FALSE(keeps("arith.cmpi ult, %m, %n : index", -1, 1));
  EXPECT_TRUE(keeps("index.cmp sge(%m, %n)", 4, 4));
  EXPECT_TRUE(keeps("arith.cmpf olt, %s, %one : f32", 0, 0));
  EXPECT_FALSE(keeps("arith.cmpf uno, %s, %s : f32", 0, 0));
}

TEST_F(Interpreter, NamesWhatItDoesNotKnow) {
  llvm::Expected<RegionProgram> program =
      translate("%i = arith.fptosi %s : f32 to i32 %p = math.ctpop %i : i32 "
                "%r = arith.sitofp %p : i32 to f32");
  ASSERT_FALSE(static_cast<bool>(program));
  EXPECT_EQ(
      llvm::toString(program.takeError()),
      "the interpreter of regions does not know 'math.ctpop' on these types");
}

} // namespace
