// RUN: attn-opt %s --verify-diagnostics --split-input-file

func.func @frag_tensor_map_c1(%q: memref<4x128xbf16>) {
  // expected-error @below {{'frag.tensor_map' op expects a buffer of rank 4 of f16 or bf16, but got 'memref<4x128xbf16>'}}
  %m = frag.tensor_map %q box [64, 128] : memref<4x128xbf16>
  return
}

// -----

func.func @frag_tensor_map_c2(%q: memref<?x?x?x128xbf16>) {
  // expected-error @below {{'frag.tensor_map' op expects a box of 64 columns and 1 to 256 rows}}
  %m = frag.tensor_map %q box [64, 257] : memref<?x?x?x128xbf16>
  return
}

// -----

func.func @frag_alloc_barriers_c1() {
  // expected-error @below {{'frag.alloc_barriers' op expects 1 to 1048575 arrivals, but got 0}}
  %b = frag.alloc_barriers arrivals(0) : !frag.barriers<2>
  return
}

// -----

func.func @frag_load_c1(%map: !llvm.ptr, %row: index, %i: i32) {
  %k = frag.alloc : !frag.tile<32x64xbf16>
  %full = frag.alloc_barriers arrivals(1) : !frag.barriers<1>
  // expected-error @below {{'frag.load' op expects boxes of at most 256 rows that divide the 32 rows of the tile, but got 24}}
  frag.load %map[%row, %row, %row] box(24) to %k signal %full[%i] : !llvm.ptr, !frag.tile<32x64xbf16>, !frag.barriers<1>
  return
}

// -----

func.func @frag_load_c2(%map: !llvm.ptr, %row: index, %i: i32) {
  %k = frag.alloc : !frag.tile<32x64xbf16, stages = 3>
  %full = frag.alloc_barriers arrivals(1) : !frag.barriers<2>
  // expected-error @below {{'frag.load' op expects as many barriers as stages (3), but got 2}}
  frag.load %map[%row, %row, %row] box(32) to %k signal %full[%i] : !llvm.ptr, !frag.tile<32x64xbf16, stages = 3>, !frag.barriers<2>
  return
}

// -----

func.func @frag_roles_c1() {
  // expected-error @below {{'frag.roles' op expects one to three consumer warpgroups, but got 4}}
  frag.roles consumers(4) registers(24, 96) producer {
  } consumer {
  ^bb0(%w: index):
  }
  return
}

// -----

func.func @frag_roles_c2() {
  // expected-error @below {{'frag.roles' op expects register counts that are multiples of 8 in [24, 256], but got 20 and 240}}
  frag.roles consumers(2) registers(20, 240) producer {
  } consumer {
  ^bb0(%w: index):
  }
  return
}

// -----

func.func @frag_roles_c3() {
  // expected-error @below {{'frag.roles' op expects at most 65536 registers in all, but got 67584}}
  frag.roles consumers(2) registers(32, 248) producer {
  } consumer {
  ^bb0(%w: index):
  }
  return
}

// -----

func.func @frag_roles_c4() {
  // expected-error @below {{'frag.roles' op expects the consumer's region to take its number, an index, and the producer's to take nothing}}
  frag.roles consumers(2) registers(24, 240) producer {
  } consumer {
  }
  return
}

// -----

func.func @frag_roles_c5() {
  %q = frag.alloc : !frag.tile<128x256xbf16>
  %k = frag.alloc : !frag.tile<176x256xbf16, stages = 2>
  // expected-error @below {{'frag.roles' op expects at most 232448 bytes of shared memory, but got 245760}}
  frag.roles consumers(2) registers(24, 240) producer {
  } consumer {
  ^bb0(%w: index):
  }
  return
}

// -----

// O takes 128 registers, S 88, and 28 are for the rest.
func.func @frag_roles_c6(%i: i32, %row: index, %x: f32) {
  %q = frag.alloc : !frag.tile<64x64xbf16>
  %k = frag.alloc : !frag.tile<176x64xbf16>
  // expected-error @below {{'frag.roles' op expects accumulators that fit in 240 registers of a consumer, but 244 are needed}}
  frag.roles consumers(1) registers(24, 240) producer {
  } consumer {
  ^bb0(%w: index):
    %o = frag.fill %x : !frag.acc<64x256xf32>
    scf.for %j = %i to %i step %i iter_args(%c = %o) -> (!frag.acc<64x256xf32>) : i32 {
      %s0 = frag.mma_ss %q rows(%row), %k[%i] : !frag.tile<64x64xbf16>, !frag.tile<176x64xbf16> -> !frag.pending<64x176xf32>
      %s = frag.wait groups(0) %s0 : !frag.pending<64x176xf32> -> !frag.acc<64x176xf32>
      scf.yield %c : !frag.acc<64x256xf32>
    }
  }
  return
}

// -----

func.func @frag_turn_c1() {
  frag.roles consumers(2) registers(24, 240) producer {
  } consumer {
  ^bb0(%w: index):
    // expected-error @below {{'frag.take_turn' op expects to stand in the consumer of frag.roles with turns and two or three consumers}}
    frag.take_turn %w
  }
  return
}

// -----

func.func @frag_turn_c2() {
  frag.roles consumers(2) registers(24, 240) turns producer {
  } consumer {
  ^bb0(%w: index):
    // expected-error @below {{'frag.pass_turn' op expects to be of 2 consumers, but got 3}}
    frag.pass_turn %w of 3
  }
  return
}

// -----

func.func @frag_mma_c1(%i: i32, %row: index) {
  %q = frag.alloc : !frag.tile<64x64xbf16>
  %k = frag.alloc : !frag.tile<32x64xbf16>
  // expected-error @below {{'frag.mma_ss' op expects its result to be awaited by one frag.wait in the same block}}
  %s = frag.mma_ss %q rows(%row), %k[%i] : !frag.tile<64x64xbf16>, !frag.tile<32x64xbf16> -> !frag.pending<64x32xf32>
  return
}

// -----

func.func @frag_mma_c2(%i: i32, %row: index) {
  %q = frag.alloc : !frag.tile<64x64xbf16>
  %k = frag.alloc : !frag.tile<32x64xbf16>
  // expected-error @below {{'frag.mma_ss' op expects a result of 64 x 32 with at most 256 columns, but got '!frag.pending<64x64xf32>'}}
  %s = frag.mma_ss %q rows(%row), %k[%i] : !frag.tile<64x64xbf16>, !frag.tile<32x64xbf16> -> !frag.pending<64x64xf32>
  return
}

// -----

func.func @frag_mma_ss_c1(%i: i32, %row: index) {
  %q = frag.alloc : !frag.tile<64x128xbf16>
  %k = frag.alloc : !frag.tile<32x64xbf16>
  // expected-error @below {{'frag.mma_ss' op expects operands of one depth and element type, the left one with one stage, but got '!frag.tile<64x128xbf16>' and '!frag.tile<32x64xbf16>'}}
  %s = frag.mma_ss %q rows(%row), %k[%i] : !frag.tile<64x128xbf16>, !frag.tile<32x64xbf16> -> !frag.pending<64x32xf32>
  return
}

// -----

func.func @frag_mma_rs_c1(%i: i32, %x: f32, %p: !frag.a<64x64xf16>, %o: !frag.acc<64x64xf32>) {
  %v = frag.alloc : !frag.tile<64x64xbf16>
  // expected-error @below {{'frag.mma_rs' op expects operands of one depth and element type, but got '!frag.a<64x64xf16>' and '!frag.tile<64x64xbf16>'}}
  %r = frag.mma_rs %p, %v[%i], %o : !frag.a<64x64xf16>, !frag.tile<64x64xbf16>, !frag.acc<64x64xf32> -> !frag.pending<64x64xf32>
  return
}

// -----

func.func @frag_mma_rs_c2(%i: i32, %x: f32, %p: !frag.a<64x64xbf16>, %o: !frag.acc<64x32xf32>) {
  %v = frag.alloc : !frag.tile<64x64xbf16>
  // expected-error @below {{'frag.mma_rs' op expects an accumulator of the result's shape, but got '!frag.acc<64x32xf32>' and '!frag.pending<64x64xf32>'}}
  %r = frag.mma_rs %p, %v[%i], %o : !frag.a<64x64xbf16>, !frag.tile<64x64xbf16>, !frag.acc<64x32xf32> -> !frag.pending<64x64xf32>
  return
}

// -----

func.func @frag_wait_c1(%i: i32, %row: index) {
  %q = frag.alloc : !frag.tile<64x64xbf16>
  %k = frag.alloc : !frag.tile<32x64xbf16>
  %s = frag.mma_ss %q rows(%row), %k[%i] : !frag.tile<64x64xbf16>, !frag.tile<32x64xbf16> -> !frag.pending<64x32xf32>
  // expected-error @below {{'frag.wait' op expects an accumulator of the product's shape, but got '!frag.acc<64x64xf32>'}}
  %w = frag.wait groups(0) %s : !frag.pending<64x32xf32> -> !frag.acc<64x64xf32>
  return
}

// -----

// The wait for the first of two products lets the second be under way: 1, not 0 or 2.
func.func @frag_wait_c2(%i: i32, %row: index) {
  %q = frag.alloc : !frag.tile<64x64xbf16>
  %k = frag.alloc : !frag.tile<32x64xbf16>
  %s = frag.mma_ss %q rows(%row), %k[%i] : !frag.tile<64x64xbf16>, !frag.tile<32x64xbf16> -> !frag.pending<64x32xf32>
  %t = frag.mma_ss %q rows(%row), %k[%i] : !frag.tile<64x64xbf16>, !frag.tile<32x64xbf16> -> !frag.pending<64x32xf32>
  // expected-error @below {{'frag.wait' op expects groups (1), the products started after the one waited for, but got groups (2)}}
  %w = frag.wait groups(2) %s : !frag.pending<64x32xf32> -> !frag.acc<64x32xf32>
  %x = frag.wait groups(0) %t : !frag.pending<64x32xf32> -> !frag.acc<64x32xf32>
  return
}

// -----

func.func @frag_map_c1(%s: !frag.acc<64x32xf32>) {
  // expected-error @below {{'frag.map' op expects operands of the result's shape, or rows of it, but got '!frag.acc<64x32xf32>' for '!frag.acc<64x64xf32>'}}
  %p = frag.map ins(%s : !frag.acc<64x32xf32>) -> !frag.acc<64x64xf32> {
  ^bb0(%a: f32):
    frag.yield %a : f32
  }
  return
}

// -----

func.func @frag_map_c2(%m: !frag.rows<64xf32>, %i: index) {
  // expected-error @below {{'frag.map' op expects a first row and a first column, of an accumulator}}
  %p = frag.map ins(%m : !frag.rows<64xf32>) at(%i, %i) -> !frag.rows<64xf32> {
  ^bb0(%a: f32, %r: index, %c: index):
    frag.yield %a : f32
  }
  return
}

// -----

func.func @frag_map_c3(%m: !frag.rows<64xf32>) {
  // expected-error @below {{'frag.map' op expects a region that takes one number per operand and the indices given}}
  %p = frag.map ins(%m : !frag.rows<64xf32>) -> !frag.rows<64xf32> {
  ^bb0(%a: f32, %r: index):
    frag.yield %a : f32
  }
  return
}

// -----

func.func @frag_map_c3_yield(%m: !frag.rows<64xf32>, %i: i32) {
  // expected-error @below {{'frag.map' op expects a region that yields one 'f32'}}
  %p = frag.map ins(%m : !frag.rows<64xf32>) -> !frag.rows<64xf32> {
  ^bb0(%a: f32):
    frag.yield %i : i32
  }
  return
}

// -----

func.func @frag_map_c4(%m: !frag.rows<64xf32>, %b: !frag.barriers<1>, %i: i32) {
  // expected-error @below {{'frag.map' op expects scalar code without regions, but found 'frag.await'}}
  %p = frag.map ins(%m : !frag.rows<64xf32>) -> !frag.rows<64xf32> {
  ^bb0(%a: f32):
    frag.await %b[%i] : !frag.barriers<1>
    frag.yield %a : f32
  }
  return
}

// -----

func.func @frag_row_reduce_c1(%s: !frag.acc<64x32xf32>) {
  // expected-error @below {{'frag.row_reduce' op expects one result per row, but got '!frag.rows<128xf32>'}}
  %m = frag.row_reduce max %s : !frag.acc<64x32xf32> -> !frag.rows<128xf32>
  return
}

// -----

func.func @frag_to_a_c1(%s: !frag.acc<64x32xf32>) {
  // expected-error @below {{'frag.to_a' op expects an operand of the accumulator's shape, but got '!frag.a<64x64xbf16>'}}
  %a = frag.to_a %s : !frag.acc<64x32xf32> -> !frag.a<64x64xbf16>
  return
}

// -----

func.func @frag_put_c1(%s: !frag.acc<64x128xf32>, %i: index) {
  %t = frag.alloc : !frag.tile<64x64xbf16>
  // expected-error @below {{'frag.put' op expects 64 rows of a multiple of 16 columns, not wider than the tile, but got '!frag.acc<64x128xf32>' and '!frag.tile<64x64xbf16>'}}
  frag.put %s to %t rows(%i) : !frag.acc<64x128xf32>, !frag.tile<64x64xbf16>
  return
}

// -----

func.func @frag_mend_c1(%s: !frag.rows<64xf32>, %i: index, %x: f32, %k: i1) {
  %t = frag.alloc : !frag.tile<64x64xbf16>
  // expected-error @below {{'frag.mend' op expects 1 to 64 columns, those of the tile, but got 65}}
  frag.mend %s ins() in %t rows(%i) columns(65) at(%i) bound(%i) keys(%i to %i) : !frag.rows<64xf32>, !frag.tile<64x64xbf16> weights {
  ^bb0(%m: index, %n: index):
    frag.yield %x, %k : f32, i1
  } values {
  ^bb0(%n: index, %c: index):
    frag.yield %x : f32
  }
  return
}

// -----

func.func @frag_mend_c2(%s: !frag.rows<64xf32>, %r: !frag.rows<128xf32>, %i: index, %x: f32, %k: i1) {
  %t = frag.alloc : !frag.tile<64x64xbf16>
  // expected-error @below {{'frag.mend' op expects 64 rows everywhere, but got '!frag.rows<64xf32>' and '!frag.rows<128xf32>'}}
  frag.mend %s ins(%r : !frag.rows<128xf32>) in %t rows(%i) columns(64) at(%i) bound(%i) keys(%i to %i) : !frag.rows<64xf32>, !frag.tile<64x64xbf16> weights {
  ^bb0(%m: index, %n: index, %y: f32):
    frag.yield %x, %k : f32, i1
  } values {
  ^bb0(%n: index, %c: index):
    frag.yield %x : f32
  }
  return
}

// -----

func.func @frag_mend_c3(%s: !frag.rows<64xf32>, %i: index, %x: f32) {
  %t = frag.alloc : !frag.tile<64x64xbf16>
  // expected-error @below {{'frag.mend' op expects weights of a row, a key and a number per operand, that yield f32 and i1}}
  frag.mend %s ins() in %t rows(%i) columns(64) at(%i) bound(%i) keys(%i to %i) : !frag.rows<64xf32>, !frag.tile<64x64xbf16> weights {
  ^bb0(%m: index, %n: index):
    frag.yield %x : f32
  } values {
  ^bb0(%n: index, %c: index):
    frag.yield %x : f32
  }
  return
}

// -----

func.func @frag_mend_c4(%s: !frag.rows<64xf32>, %i: index, %x: f32, %k: i1) {
  %t = frag.alloc : !frag.tile<64x64xbf16>
  // expected-error @below {{'frag.mend' op expects values of a key and a column, that yield f32}}
  frag.mend %s ins() in %t rows(%i) columns(64) at(%i) bound(%i) keys(%i to %i) : !frag.rows<64xf32>, !frag.tile<64x64xbf16> weights {
  ^bb0(%m: index, %n: index):
    frag.yield %x, %k : f32, i1
  } values {
  ^bb0(%n: index):
    frag.yield %x : f32
  }
  return
}

// -----

func.func @frag_store_c1(%map: !llvm.ptr, %i: index) {
  %t = frag.alloc : !frag.tile<64x64xbf16>
  // expected-error @below {{'frag.store' op expects 1 to 64 columns, those of the tile, but got 128}}
  frag.store %t rows(%i) columns(128) to %map[%i, %i, %i] by %i : !frag.tile<64x64xbf16>, !llvm.ptr
  return
}
