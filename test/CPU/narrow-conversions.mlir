// What f32 stands between is rounded once: to the nearest bf16, ties to even.

// RUN: attn-run %s --entry=of_f64 --print --input="13xf64=1.0039062500009095,1.0117187499990905,-1.0039062500009095,1.00390625,3.3961775292273712e+38,3.39617752923046e+38,4.591779186957262e-41,4.591774807899561e-41,1e+300,-1e-300,inf,nan,3.0" | FileCheck %s --check-prefix=F64
// Above a tie, below one, a tie, below and at the end of the range, around half the least number.
// F64: [1.0078125, 1.0078125, -1.0078125, 1, 3.38953139e+38, inf, 9.18354962e-41, 0, inf, -0, inf, nan, 3]

// The same in f16, whose units are 2^-10, from 2^-24 to 65504.
// RUN: attn-run %s --entry=to_f16 --print --input="9xf64=1.00048828125001,1.00048828125,1.00146484374999,-1.00048828125001,65519.9999999,65520,2.98023223876953125e-08,2.9802322387695317e-08,nan" | FileCheck %s --check-prefix=F16
// F16: [1.00097656, 1, 1.00097656, -1.00097656, 65504, inf, 0, 5.96046448e-08, nan]

// RUN: attn-run %s --entry=of_i32 --print --input="5xi32=1077936129,-1077936129,1077936128,16908289,-3" | FileCheck %s --check-prefix=I32
// 2^30 + 2^22 + 1 and its tie; 2^24 + 2^17 + 2^16 + 1 and so on.
// I32: [1.08213043e+09, -1.08213043e+09, 1.07374182e+09, 16908288, -3]

// RUN: attn-run %s --entry=of_i64 --print --input="5xi64=4629700416936869889,-4629700416936869889,4629700416936869888,-9223372036854775808,72339069014638593" | FileCheck %s --check-prefix=I64
// 2^62 + 2^54 + 1 and its tie; the least; 2^56 + 2^48 + 1.
// I64: [4.64771482e+18, -4.64771482e+18, 4.61168602e+18, -9.22337204e+18, 7.2620544e+16]

// RUN: attn-run %s --entry=of_u64 --print --input="2xi64=-9187343239835811839,4629700416936869889" | FileCheck %s --check-prefix=U64
// 2^63 + 2^55 + 1.
// U64: [9.29542963e+18, 4.64771482e+18]

#id = affine_map<(i) -> (i)>

func.func @of_f64(%x: tensor<?xf64>) -> tensor<?xbf16> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf64>
  %e = tensor.empty(%n) : tensor<?xbf16>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<?xf64>) outs(%e : tensor<?xbf16>) {
  ^bb0(%a: f64, %b: bf16):
    %t = arith.truncf %a : f64 to bf16
    linalg.yield %t : bf16
  } -> tensor<?xbf16>
  return %r : tensor<?xbf16>
}

func.func @to_f16(%x: tensor<?xf64>) -> tensor<?xf16> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf64>
  %e = tensor.empty(%n) : tensor<?xf16>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<?xf64>) outs(%e : tensor<?xf16>) {
  ^bb0(%a: f64, %b: f16):
    %t = arith.truncf %a : f64 to f16
    linalg.yield %t : f16
  } -> tensor<?xf16>
  return %r : tensor<?xf16>
}

func.func @of_i32(%x: tensor<?xi32>) -> tensor<?xbf16> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xi32>
  %e = tensor.empty(%n) : tensor<?xbf16>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<?xi32>) outs(%e : tensor<?xbf16>) {
  ^bb0(%a: i32, %b: bf16):
    %t = arith.sitofp %a : i32 to bf16
    linalg.yield %t : bf16
  } -> tensor<?xbf16>
  return %r : tensor<?xbf16>
}

func.func @of_i64(%x: tensor<?xi64>) -> tensor<?xbf16> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xi64>
  %e = tensor.empty(%n) : tensor<?xbf16>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<?xi64>) outs(%e : tensor<?xbf16>) {
  ^bb0(%a: i64, %b: bf16):
    %t = arith.sitofp %a : i64 to bf16
    linalg.yield %t : bf16
  } -> tensor<?xbf16>
  return %r : tensor<?xbf16>
}

func.func @of_u64(%x: tensor<?xi64>) -> tensor<?xbf16> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xi64>
  %e = tensor.empty(%n) : tensor<?xbf16>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<?xi64>) outs(%e : tensor<?xbf16>) {
  ^bb0(%a: i64, %b: bf16):
    %t = arith.uitofp %a : i64 to bf16
    linalg.yield %t : bf16
  } -> tensor<?xbf16>
  return %r : tensor<?xbf16>
}
