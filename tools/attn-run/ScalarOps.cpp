//===- ScalarOps.cpp - What one scalar op computes -----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Division by zero, shifts too far and conversions out of range are undefined;
// they give some value here, because a checker must not trap on a key that is
// dropped anyway.
//
//===----------------------------------------------------------------------===//

#include "ScalarOps.h"

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Index/IR/IndexOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace attn;

namespace {

using Operands = const Scalar *const *;

/// Bits of an integer type; index has 64.
unsigned widthOf(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  return integer ? integer.getWidth() : 64;
}

/// Cuts `value` to `width` bits and extends the sign; an i1 stays 0 or 1.
int64_t wrap(uint64_t value, unsigned width) {
  if (width == 1)
    return static_cast<int64_t>(value & 1);
  return width >= 64 ? static_cast<int64_t>(value)
                     : llvm::SignExtend64(value, width);
}

/// The same bits without a sign.
uint64_t unsignedOf(int64_t value, unsigned width) {
  return width >= 64
             ? static_cast<uint64_t>(value)
             : static_cast<uint64_t>(value) & ((uint64_t(1) << width) - 1);
}

Scalar number(double value) { return {value, 0}; }
Scalar integer(int64_t value) { return {0.0, value}; }

//===----------------------------------------------------------------------===//
// Floating point
//===----------------------------------------------------------------------===//

double maximum(double a, double b) {
  return std::isnan(a) || std::isnan(b) ? std::nan("") : std::max(a, b);
}
double minimum(double a, double b) {
  return std::isnan(a) || std::isnan(b) ? std::nan("") : std::min(a, b);
}

using Unary = double (*)(double);
using Binary = double (*)(double, double);

Compute unary(Unary f) {
  return [f](Operands x) { return number(f(x[0]->number)); };
}
Compute binary(Binary f) {
  return [f](Operands x) { return number(f(x[0]->number, x[1]->number)); };
}

/// The float functions by op name; none when there is none.
Compute findFloatFunction(StringRef name) {
  static const llvm::StringMap<Unary> unaries = {
      {"arith.negf", [](double x) { return -x; }},
      {"math.absf", [](double x) { return std::fabs(x); }},
      {"math.acos", [](double x) { return std::acos(x); }},
      {"math.acosh", [](double x) { return std::acosh(x); }},
      {"math.asin", [](double x) { return std::asin(x); }},
      {"math.asinh", [](double x) { return std::asinh(x); }},
      {"math.atan", [](double x) { return std::atan(x); }},
      {"math.atanh", [](double x) { return std::atanh(x); }},
      {"math.cbrt", [](double x) { return std::cbrt(x); }},
      {"math.ceil", [](double x) { return std::ceil(x); }},
      {"math.cos", [](double x) { return std::cos(x); }},
      {"math.cosh", [](double x) { return std::cosh(x); }},
      {"math.erf", [](double x) { return std::erf(x); }},
      {"math.erfc", [](double x) { return std::erfc(x); }},
      {"math.exp", [](double x) { return std::exp(x); }},
      {"math.exp2", [](double x) { return std::exp2(x); }},
      {"math.expm1", [](double x) { return std::expm1(x); }},
      {"math.floor", [](double x) { return std::floor(x); }},
      {"math.log", [](double x) { return std::log(x); }},
      {"math.log10", [](double x) { return std::log10(x); }},
      {"math.log1p", [](double x) { return std::log1p(x); }},
      {"math.log2", [](double x) { return std::log2(x); }},
      {"math.round", [](double x) { return std::round(x); }},
      {"math.roundeven", [](double x) { return std::nearbyint(x); }},
      {"math.rsqrt", [](double x) { return 1.0 / std::sqrt(x); }},
      {"math.sin", [](double x) { return std::sin(x); }},
      {"math.sinh", [](double x) { return std::sinh(x); }},
      {"math.sqrt", [](double x) { return std::sqrt(x); }},
      {"math.tan", [](double x) { return std::tan(x); }},
      {"math.tanh", [](double x) { return std::tanh(x); }},
      {"math.trunc", [](double x) { return std::trunc(x); }},
      {"arith.extf", [](double x) { return x; }},
  };
  static const llvm::StringMap<Binary> binaries = {
      {"arith.addf", [](double a, double b) { return a + b; }},
      {"arith.subf", [](double a, double b) { return a - b; }},
      {"arith.mulf", [](double a, double b) { return a * b; }},
      {"arith.divf", [](double a, double b) { return a / b; }},
      {"arith.remf", [](double a, double b) { return std::fmod(a, b); }},
      {"arith.maximumf", maximum},
      {"arith.minimumf", minimum},
      {"arith.maxnumf", [](double a, double b) { return std::fmax(a, b); }},
      {"arith.minnumf", [](double a, double b) { return std::fmin(a, b); }},
      {"math.atan2", [](double a, double b) { return std::atan2(a, b); }},
      {"math.copysign", [](double a, double b) { return std::copysign(a, b); }},
      {"math.powf", [](double a, double b) { return std::pow(a, b); }},
  };
  if (auto found = unaries.find(name); found != unaries.end())
    return unary(found->second);
  if (auto found = binaries.find(name); found != binaries.end())
    return binary(found->second);
  return nullptr;
}

bool compareFloats(arith::CmpFPredicate predicate, double a, double b) {
  using P = arith::CmpFPredicate;
  const bool unordered = std::isnan(a) || std::isnan(b);
  switch (predicate) {
  case P::AlwaysFalse:
    return false;
  case P::AlwaysTrue:
    return true;
  case P::ORD:
    return !unordered;
  case P::UNO:
    return unordered;
  case P::OEQ:
    return a == b;
  case P::OGT:
    return a > b;
  case P::OGE:
    return a >= b;
  case P::OLT:
    return a < b;
  case P::OLE:
    return a <= b;
  case P::ONE:
    return !unordered && a != b;
  case P::UEQ:
    return unordered || a == b;
  case P::UGT:
    return unordered || a > b;
  case P::UGE:
    return unordered || a >= b;
  case P::ULT:
    return unordered || a < b;
  case P::ULE:
    return unordered || a <= b;
  case P::UNE:
    return unordered || a != b;
  }
  return false;
}

double roundToType(double value, FloatType type) {
  llvm::APFloat rounded(value);
  bool inexact;
  rounded.convert(type.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven,
                  &inexact);
  rounded.convert(llvm::APFloat::IEEEdouble(),
                  llvm::APFloat::rmNearestTiesToEven, &inexact);
  return rounded.convertToDouble();
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

int64_t divide(int64_t a, int64_t b) {
  return b == 0 ? 0 : b == -1 ? static_cast<int64_t>(0 - uint64_t(a)) : a / b;
}
int64_t remainder(int64_t a, int64_t b) {
  return b == 0 || b == -1 ? 0 : a % b;
}
int64_t floorDivide(int64_t a, int64_t b) {
  return divide(a, b) - (remainder(a, b) != 0 && ((a < 0) != (b < 0)));
}
int64_t ceilDivide(int64_t a, int64_t b) {
  return divide(a, b) + (remainder(a, b) != 0 && ((a < 0) == (b < 0)));
}

/// a^n modulo 2^64; of negative powers only those of 1 and -1 are not 0.
uint64_t power64(int64_t a, int64_t n) {
  if (n < 0)
    return a == 1 ? 1 : a == -1 ? (n % 2 ? ~uint64_t(0) : 1) : 0;
  uint64_t result = 1;
  for (uint64_t square = a; n; n >>= 1, square *= square)
    result *= n & 1 ? square : 1;
  return result;
}

using Signed = int64_t (*)(int64_t, int64_t);
using Unsigned = uint64_t (*)(uint64_t, uint64_t, unsigned width);

/// Functions of the sign-extended values; the result is wrapped.
Signed findSigned(StringRef name) {
  static const llvm::StringMap<Signed> table = {
      {"add", [](int64_t a, int64_t b) { return int64_t(uint64_t(a) + b); }},
      {"sub", [](int64_t a, int64_t b) { return int64_t(uint64_t(a) - b); }},
      {"mul", [](int64_t a, int64_t b) { return int64_t(uint64_t(a) * b); }},
      {"and", [](int64_t a, int64_t b) { return a & b; }},
      {"or", [](int64_t a, int64_t b) { return a | b; }},
      {"xor", [](int64_t a, int64_t b) { return a ^ b; }},
      {"divs", divide},
      {"rems", remainder},
      {"floordivs", floorDivide},
      {"ceildivs", ceilDivide},
      {"maxs", [](int64_t a, int64_t b) { return std::max(a, b); }},
      {"mins", [](int64_t a, int64_t b) { return std::min(a, b); }},
  };
  return table.lookup(name);
}

/// Functions of the values as unsigned numbers of their width.
Unsigned findUnsigned(StringRef name) {
  static const llvm::StringMap<Unsigned> table = {
      {"divu", [](uint64_t a, uint64_t b, unsigned) { return b ? a / b : 0; }},
      {"remu", [](uint64_t a, uint64_t b, unsigned) { return b ? a % b : 0; }},
      {"ceildivu", [](uint64_t a, uint64_t b,
                      unsigned) { return b ? a / b + (a % b != 0) : 0; }},
      {"maxu", [](uint64_t a, uint64_t b, unsigned) { return std::max(a, b); }},
      {"minu", [](uint64_t a, uint64_t b, unsigned) { return std::min(a, b); }},
      {"shl",
       [](uint64_t a, uint64_t b, unsigned w) { return b < w ? a << b : 0; }},
      {"shru",
       [](uint64_t a, uint64_t b, unsigned w) { return b < w ? a >> b : 0; }},
      {"shrs",
       [](uint64_t a, uint64_t b, unsigned w) {
         return uint64_t(wrap(a, w) >> std::min<uint64_t>(b, w - 1));
       }},
  };
  return table.lookup(name);
}

/// `arith.addi` and `index.add` are both "add"; `arith.divsi` and `index.divs`
/// are both "divs".
std::string integerName(StringRef name) {
  if (name.consume_front("arith.")) {
    name.consume_back("i");
    return name.str();
  }
  return name.consume_front("index.") ? name.str() : "";
}

Compute findIntegerFunction(Operation &op) {
  if (op.getNumOperands() != 2 || op.getNumResults() != 1 ||
      !op.getResult(0).getType().isIntOrIndex())
    return nullptr;
  const std::string name = integerName(op.getName().getStringRef());
  const unsigned width = widthOf(op.getResult(0).getType());
  if (Signed f = findSigned(name)) {
    // An i1 counts as 0 or -1 where signs matter.
    const bool bit = width == 1;
    return [f, width, bit](Operands x) {
      const int64_t a = bit ? -x[0]->integer : x[0]->integer;
      const int64_t b = bit ? -x[1]->integer : x[1]->integer;
      return integer(wrap(static_cast<uint64_t>(f(a, b)), width));
    };
  }
  if (Unsigned f = findUnsigned(name))
    return [f, width](Operands x) {
      return integer(wrap(f(unsignedOf(x[0]->integer, width),
                            unsignedOf(x[1]->integer, width), width),
                          width));
    };
  return nullptr;
}

/// 0 to 9 in the order of arith.cmpi: eq ne slt sle sgt sge ult ule ugt uge.
bool compareIntegers(arith::CmpIPredicate predicate, int64_t a, int64_t b,
                     unsigned width) {
  using P = arith::CmpIPredicate;
  const uint64_t ua = unsignedOf(a, width), ub = unsignedOf(b, width);
  if (width == 1)
    a = -a, b = -b;
  switch (predicate) {
  case P::eq:
    return a == b;
  case P::ne:
    return a != b;
  case P::slt:
    return a < b;
  case P::sle:
    return a <= b;
  case P::sgt:
    return a > b;
  case P::sge:
    return a >= b;
  case P::ult:
    return ua < ub;
  case P::ule:
    return ua <= ub;
  case P::ugt:
    return ua > ub;
  case P::uge:
    return ua >= ub;
  }
  return false;
}

//===----------------------------------------------------------------------===//
// Casts and what is left
//===----------------------------------------------------------------------===//

/// Out of range is undefined; it saturates here.
int64_t toInteger(double value, double low, double high) {
  if (std::isnan(value))
    return 0;
  if (value <= low)
    return static_cast<int64_t>(low);
  return value >= high ? INT64_MAX : static_cast<int64_t>(value);
}

Compute findCast(Operation &op) {
  if (op.getNumOperands() != 1 || op.getNumResults() != 1)
    return nullptr;
  const Type from = op.getOperand(0).getType(), to = op.getResult(0).getType();
  const unsigned fromWidth = widthOf(from), toWidth = widthOf(to);
  StringRef name = op.getName().getStringRef();
  if (name == "arith.truncf" && isa<FloatType>(to))
    return [type = cast<FloatType>(to)](Operands x) {
      return number(roundToType(x[0]->number, type));
    };
  if (name == "arith.sitofp")
    return [fromWidth](Operands x) {
      return number(
          static_cast<double>(fromWidth == 1 ? -x[0]->integer : x[0]->integer));
    };
  if (name == "arith.uitofp")
    return [fromWidth](Operands x) {
      return number(static_cast<double>(unsignedOf(x[0]->integer, fromWidth)));
    };
  if (name == "arith.fptosi")
    return [toWidth](Operands x) {
      return integer(
          wrap(static_cast<uint64_t>(toInteger(x[0]->number, -0x1p63, 0x1p63)),
               toWidth));
    };
  if (name == "arith.fptoui")
    return [toWidth](Operands x) {
      return integer(
          wrap(static_cast<uint64_t>(toInteger(x[0]->number, 0.0, 0x1p63)),
               toWidth));
    };
  const bool isSigned = name == "arith.extsi" || name == "arith.index_cast" ||
                        name == "index.casts";
  const bool isUnsigned = name == "arith.extui" || name == "arith.trunci" ||
                          name == "arith.index_castui" || name == "index.castu";
  if (isSigned)
    return [fromWidth, toWidth](Operands x) {
      const int64_t value = fromWidth == 1 ? -x[0]->integer : x[0]->integer;
      return integer(wrap(static_cast<uint64_t>(value), toWidth));
    };
  if (isUnsigned)
    return [fromWidth, toWidth](Operands x) {
      return integer(wrap(unsignedOf(x[0]->integer, fromWidth), toWidth));
    };
  return nullptr;
}

Compute findOther(Operation &op) {
  return llvm::TypeSwitch<Operation *, Compute>(&op)
      .Case([](arith::CmpFOp cmp) -> Compute {
        return [predicate = cmp.getPredicate()](Operands x) {
          return integer(compareFloats(predicate, x[0]->number, x[1]->number));
        };
      })
      .Case([](arith::CmpIOp cmp) -> Compute {
        return [predicate = cmp.getPredicate(),
                width = widthOf(cmp.getLhs().getType())](Operands x) {
          return integer(
              compareIntegers(predicate, x[0]->integer, x[1]->integer, width));
        };
      })
      .Case([](index::CmpOp cmp) -> Compute {
        // The two dialects name their predicates alike but number them apart.
        const auto predicate = arith::symbolizeCmpIPredicate(
            index::stringifyIndexCmpPredicate(cmp.getPred()));
        if (!predicate)
          return nullptr;
        return [predicate = *predicate](Operands x) {
          return integer(
              compareIntegers(predicate, x[0]->integer, x[1]->integer, 64));
        };
      })
      .Case([](arith::SelectOp) -> Compute {
        return [](Operands x) { return x[0]->integer ? *x[1] : *x[2]; };
      })
      .Case([](math::FmaOp) -> Compute {
        return [](Operands x) {
          return number(std::fma(x[0]->number, x[1]->number, x[2]->number));
        };
      })
      .Case([](math::ClampFOp) -> Compute {
        return [](Operands x) {
          return number(
              minimum(maximum(x[0]->number, x[1]->number), x[2]->number));
        };
      })
      .Case([](math::IPowIOp power) -> Compute {
        return [width = widthOf(power.getType())](Operands x) {
          return integer(wrap(power64(x[0]->integer, x[1]->integer), width));
        };
      })
      .Case([](math::FPowIOp) -> Compute {
        return [](Operands x) {
          return number(
              std::pow(x[0]->number, static_cast<double>(x[1]->integer)));
        };
      })
      .Case([](math::AbsIOp abs) -> Compute {
        return [width = widthOf(abs.getType())](Operands x) {
          const int64_t a = x[0]->integer;
          return integer(wrap(a < 0 ? 0 - uint64_t(a) : uint64_t(a), width));
        };
      })
      .Case([](math::IsNaNOp) -> Compute {
        return [](Operands x) { return integer(std::isnan(x[0]->number)); };
      })
      .Case([](math::IsInfOp) -> Compute {
        return [](Operands x) { return integer(std::isinf(x[0]->number)); };
      })
      .Case([](math::IsNormalOp is) -> Compute {
        const llvm::fltSemantics &format =
            cast<FloatType>(is.getOperand().getType()).getFloatSemantics();
        const double least =
            llvm::APFloat::getSmallestNormalized(format).convertToDouble();
        return [least](Operands x) {
          return integer(std::isfinite(x[0]->number) &&
                         std::fabs(x[0]->number) >= least);
        };
      })
      .Case([](math::IsFiniteOp) -> Compute {
        return [](Operands x) { return integer(std::isfinite(x[0]->number)); };
      })
      .Default(Compute());
}

Compute findUnrounded(Operation &op) {
  if (Compute found = findFloatFunction(op.getName().getStringRef()))
    return found;
  if (Compute found = findIntegerFunction(op))
    return found;
  if (Compute found = findCast(op))
    return found;
  return findOther(op);
}

} // namespace

std::optional<Scalar> attn::scalarOf(Attribute attribute) {
  if (auto value = dyn_cast<FloatAttr>(attribute)) {
    llvm::APFloat wide = value.getValue();
    bool inexact;
    wide.convert(llvm::APFloat::IEEEdouble(),
                 llvm::APFloat::rmNearestTiesToEven, &inexact);
    return number(wide.convertToDouble());
  }
  auto value = dyn_cast<IntegerAttr>(attribute);
  if (!value || value.getValue().getBitWidth() > 64)
    return std::nullopt;
  return integer(
      wrap(value.getValue().getZExtValue(), value.getValue().getBitWidth()));
}

Compute attn::findCompute(Operation &op) {
  for (Type type :
       llvm::concat<const Type>(SmallVector<Type>(op.getOperandTypes()),
                                SmallVector<Type>(op.getResultTypes())))
    if (!type.isIntOrIndexOrFloat() || widthOf(type) > 64)
      return nullptr;
  if (op.getNumResults() != 1 || op.getNumOperands() > maxOperands)
    return nullptr;
  Compute compute = findUnrounded(op);
  Type type = op.getResult(0).getType();
  // The errors of f32 are what the bound allows; those of fewer bits are
  // values.
  if (!compute || !(type.isF16() || type.isBF16()))
    return compute;
  return [compute, type = cast<FloatType>(type)](Operands x) {
    return number(roundToType(compute(x).number, type));
  };
}
