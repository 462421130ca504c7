# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""O = (Q K^T) V without a softmax: everything else of an attention kernel for sm_90a.

Warpgroup 0 loads by TMA into a ring of two stages, warpgroup 1 multiplies by wgmma: S = Q K^T from
shared memory, O += bf16(S) V with S in registers. O leaves by stmatrix and a TMA store, the row sums
of the last S by plain stores. Q is 64 x 128, K and V are N x 128 with N a multiple of 64.
"""

from ir import TENSOR_MAP, Kernel, struct

D, ROWS, STAGES = 128, 64, 2
PANEL = ROWS * 128  # bytes of 64 columns
TILE = 2 * PANEL
Q, K, V = 0, TILE, TILE * (1 + STAGES)
BARS = TILE * (1 + 2 * STAGES)
SHARED = BARS + 8 * (1 + 4 * STAGES)
PTR = "!llvm.ptr<3>"
Q_FULL, K_FULL, K_EMPTY, V_FULL, V_EMPTY = 0, 1, 3, 5, 7


class Ring(Kernel):
    def __init__(self, bug=""):
        maps = ", ".join(f"%{name}: {TENSOR_MAP}" for name in ("q", "k", "v", "o"))
        super().__init__("ring", f"{maps}, %sums: !llvm.ptr<1>, %blocks: i32", bug)

    def barrier(self, first, stage=None):
        offset = self.const(BARS + 8 * first)
        if stage is not None:
            offset = self.add(offset, self.mul(stage, self.const(8)))
        return self.shared(offset)

    def wait(self, barrier, parity):
        ticks = self.const(10000000)
        self.op(f"nvvm.mbarrier.try_wait.parity {barrier}, {parity}, {ticks} : {PTR}, i32, i32")

    def arrive(self, barrier):
        """One lane of each warp."""
        self.op("scf.if %lane0 {")
        self.value(f"nvvm.mbarrier.arrive {barrier} : {PTR} -> i64")
        self.op("}")

    def stage_of(self, block):
        two, one = self.const(STAGES), self.const(1)
        stage = self.arith("remui", block, two)
        return stage, self.arith("andi", self.arith("divui", block, two), one)

    # --- set-up -----------------------------------------------------------------------------------
    def init(self, first, count, number):
        for i in range(number):
            at = self.barrier(first + i)
            self.op(f"nvvm.mbarrier.init {at}, {self.const(count)} : {PTR}, i32")

    def set_up(self):
        tid = self.sreg("tid.x")
        self.op(f"%lane = arith.remui {tid}, {self.const(32)} : i32")
        self.op(f"%warp = arith.divui {tid}, {self.const(32)} : i32")
        self.op(f"%group = arith.divui {tid}, {self.const(128)} : i32")
        self.op(f"%lane0 = arith.cmpi eq, %lane, {self.const(0)} : i32")
        self.op(f"scf.if {self.equals(tid, self.const(0))} {{")
        self.init(Q_FULL, 1, 1)
        self.init(K_FULL, 1, STAGES)
        if not self.has("no-init-of-v"):
            self.init(V_FULL, 1, STAGES)
        if self.has("double-init"):
            self.init(K_FULL, 1, 1)
        arrivals = 5 if self.has("empty-count-high") else 3 if self.has("empty-count-low") else 4
        self.init(K_EMPTY, arrivals, STAGES)
        self.init(V_EMPTY, 4, STAGES)
        if self.has("store-over-mbarrier"):
            self.op(f"llvm.store {self.const(0)}, {self.barrier(K_EMPTY)} : i32, {PTR}")
        if not self.has("no-init-fence"):
            self.op("nvvm.fence.mbarrier.init")
        self.op("}")
        if not self.has("no-barrier-after-init"):
            self.op("nvvm.barrier")

    # --- producer ---------------------------------------------------------------------------------
    def load(self, tensor, offset, barrier, row):
        for panel in range(2):
            extra = 64 if tensor == "%k" and self.has("misaligned-tile") else 0
            at = self.add(offset, self.const(panel * PANEL + extra))
            to = self.value(f"llvm.addrspacecast {self.shared(at)} : {PTR} to !llvm.ptr<7>")
            self.op(
                f"nvvm.cp.async.bulk.tensor.shared.cluster.global {to}, {tensor}, {barrier}, "
                f"box[{self.const(64 * panel)}, {row}] : !llvm.ptr<7>, !llvm.ptr"
            )

    def load_block(self, tensor, base, full, empty, block):
        stage, phase = self.stage_of(block)
        one = self.const(1)
        parity = phase if self.has("producer-parity") else self.arith("xori", phase, one)
        if not (tensor == "%k" and self.has("no-empty-wait")):
            self.wait(self.barrier(empty, stage), parity)
        barrier = self.barrier(full, stage)
        announced = TILE
        if tensor == "%v":
            announced += 16 * (self.has("too-many-bytes") - self.has("too-few-bytes"))
        if not (tensor == "%v" and self.has("no-expect-tx")):
            self.op(
                f"nvvm.mbarrier.arrive.expect_tx {barrier}, {self.const(announced)} : {PTR}, i32"
            )
        row = self.mul(block, self.const(ROWS))
        if tensor == "%k" and self.has("off-by-one-row"):
            row = self.add(row, one)
        offset = self.add(self.mul(stage, self.const(TILE)), self.const(base))
        self.load(tensor, offset, barrier, row)

    def produce(self):
        self.op("nvvm.setmaxregister decrease 24")
        elected = self.value("nvvm.elect.sync -> i1")
        first = self.equals("%warp", self.const(0))
        leader = self.value(f"arith.andi {elected}, {first} : i1")
        self.op(f"scf.if {first if self.has('no-elect') else leader} {{")
        barrier = self.barrier(Q_FULL)
        self.op(f"nvvm.mbarrier.arrive.expect_tx {barrier}, {self.const(TILE)} : {PTR}, i32")
        self.load("%q", self.const(Q), barrier, self.const(0))
        self.op(f"scf.for %b = {self.const(0)} to %blocks step {self.const(1)} : i32 {{")
        self.load_block("%k", K, K_FULL, K_EMPTY, "%b")
        self.load_block("%v", V, V_FULL, V_EMPTY, "%b")
        self.op("}")
        self.op("}")

    # --- consumer ---------------------------------------------------------------------------------
    def descriptor(self, offset, lbo, sbo, swizzle=1):
        address = self.add("%base", offset)
        field = self.arith("andi", self.arith("shrui", address, self.const(4)), self.const(0x3FFF))
        low = self.value(f"arith.extui {field} : i32 to i64")
        high = swizzle << 62 | sbo >> 4 << 32 | lbo >> 4 << 16
        high -= (high >> 63) << 64
        return self.arith("ori", low, self.const(high, "i64"), kind="i64")

    def advance(self, descriptor, bytes_):
        return self.arith("addi", descriptor, self.const(bytes_ >> 4, "i64"), kind="i64")

    def fence(self):
        if not self.has("no-wgmma-fence"):
            self.op("nvvm.wgmma.fence.aligned")

    def commit(self):
        if not self.has("no-commit"):
            self.op("nvvm.wgmma.commit.group.sync.aligned")

    def wait_group(self, groups, accumulators):
        if self.has("untied-wait"):
            self.op(f"nvvm.wgmma.wait.group.sync.aligned {groups}")
            return accumulators
        n = len(accumulators)
        tied = ",".join(["=f"] * n + [str(i) for i in range(n)])
        kind = struct(n)
        result = self.value(
            f'llvm.inline_asm has_side_effects asm_dialect = att "wgmma.wait_group.sync.aligned '
            f'{groups};", "{tied},~{{memory}}" {", ".join(accumulators)} : '
            f"({', '.join(['f32'] * n)}) -> {kind}"
        )
        return self.fields(result, n, kind)

    def scores(self, stage):
        """S [64, 64] = Q K^T, both K-major: a step of 16 columns is 32 bytes of a row."""
        kind = struct(32)
        offset = self.add(self.mul(stage, self.const(TILE)), self.const(K))
        sbo = 512 if self.has("k-sbo") else 1024
        swizzle = 2 if self.has("k-swizzle") else 1
        q, k = self.descriptor(self.const(Q), 16, 1024), self.descriptor(offset, 16, sbo, swizzle)
        result = self.value(f"llvm.mlir.undef : {kind}")
        for step in range(D // 16):
            at = step // 4 * PANEL + step % 4 * 32
            scale = "zero" if step == 0 else "one"
            result = self.value(
                f"nvvm.wgmma.mma_async {self.advance(q, at)}, {self.advance(k, at)}, {result}, "
                f"#nvvm.shape<m = 64, n = 64, k = 16>, D [<f32>, #nvvm.wgmma_scale_out<{scale}>], "
                f"A [<bf16>, #nvvm.wgmma_scale_in<one>, <row>], "
                f"B [<bf16>, #nvvm.wgmma_scale_in<one>, <col>] : {kind} -> {kind}"
            )
        return self.fields(result, 32, kind)

    def accumulate(self, p, stage, o):
        """O [64, 128] += P V; V is N-major: a step of 16 keys is 2048 bytes, panels are LBO apart."""
        n, kind = len(o), struct(len(o))
        offset = self.add(self.mul(stage, self.const(TILE)), self.const(V))
        v = self.descriptor(offset, PANEL // 2 if self.has("v-lbo") else PANEL, 1024)
        outs = ", ".join(f"${i}" for i in range(n))
        left = ", ".join(f"${2 * n + i}" for i in range(4))
        tied = ",".join(["=f"] * n + [str(i) for i in range(n)] + ["r"] * 4 + ["l"])
        for step in range(ROWS // 16):
            text = (
                f"wgmma.mma_async.sync.aligned.m64n{D}k16.f32.bf16.bf16 {{{outs}}}, {{{left}}}, "
                f"${2 * n + 4}, 1, 1, 1, 1;"
            )
            operands = o + p[4 * step : 4 * step + 4] + [self.advance(v, 2048 * step)]
            types = ["f32"] * n + ["i32"] * 4 + ["i64"]
            result = self.value(
                f'llvm.inline_asm has_side_effects asm_dialect = att "{text}", "{tied}" '
                f"{', '.join(operands)} : ({', '.join(types)}) -> {kind}"
            )
            o = self.fields(result, n, kind)
        return o

    def step(self, block, o):
        stage, phase = self.stage_of(block)
        if self.has("consumer-parity"):
            phase = self.arith("xori", phase, self.const(1))
        if not self.has("no-k-wait"):
            self.wait(self.barrier(K_FULL, stage), phase)
        self.fence()
        s = self.scores(stage)
        self.commit()
        if self.has("release-before-wait"):
            self.arrive(self.barrier(K_EMPTY, stage))
        s = self.wait_group(1 if self.has("wait-count") else 0, s)
        if not self.has("release-before-wait"):
            self.arrive(self.barrier(K_EMPTY, stage))
        if self.has("fragment-order"):
            s[2], s[4] = s[4], s[2]
        p = [self.pack(s[2 * i], s[2 * i + 1]) for i in range(16)]
        if not self.has("no-v-wait"):
            self.wait(self.barrier(V_FULL, stage), phase)
        self.fence()
        o = self.accumulate(p, stage, o)
        self.commit()
        o = self.wait_group(0, o)
        self.arrive(self.barrier(V_EMPTY, stage))
        return o, s

    def row_sum(self, values):
        total = values[0]
        for x in values[1:]:
            total = self.arith("addf", total, x, kind="f32")
        if self.has("divergent-shuffle"):
            half = self.value(f"arith.cmpi ult, %lane, {self.const(16)} : i32")
            joined = f"%joined{self.count}"
            self.op(f"{joined} = scf.if {half} -> (f32) {{")
        for offset in (1, 2):
            other = self.value(
                f"nvvm.shfl.sync bfly {self.const(-1)}, {total}, {self.const(offset)}, "
                f"{self.const(31)} : f32 -> f32"
            )
            total = self.arith("addf", total, other, kind="f32")
        if self.has("divergent-shuffle"):
            self.op(f"scf.yield {total} : f32\n}} else {{\nscf.yield {values[0]} : f32\n}}")
            total = joined
        return total

    def store_sums(self, s):
        for r in range(2):
            total = self.row_sum([s[4 * n + 2 * r + c] for n in range(8) for c in range(2)])
            row = self.add(
                self.mul("%wl", self.const(16)), self.arith("divui", "%lane", self.const(4))
            )
            row = self.add(row, self.const(8 * r + (1 if self.has("global-store") else 0)))
            if r == 0:
                low = self.arith("andi", "%lane", self.const(3))
                self.op(f"%writes = arith.cmpi eq, {low}, {self.const(0)} : i32")
            self.op("scf.if %writes {")
            at = self.value(
                f"llvm.getelementptr %sums[{row}] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32"
            )
            self.op(f"llvm.store {total}, {at} : f32, !llvm.ptr<1>")
            self.op("}")

    def store_output(self, o):
        """Registers to Q's tile, each warp its 16 rows, and from there by TMA."""
        sixteen, seven = self.const(16), self.const(7)
        row = self.add(self.mul("%wl", sixteen), self.arith("remui", "%lane", sixteen))
        half = self.arith("divui", "%lane", sixteen)
        swizzle = self.arith("andi", "%lane", seven)
        for n in range(0, D // 8, 2):
            piece = self.arith("xori", self.add(half, self.const(n % 8)), swizzle)
            at = self.add(self.mul(row, self.const(128)), self.mul(piece, sixteen))
            skew = 8 if self.has("misaligned-stmatrix") else 0
            at = self.shared(self.add(at, self.const(Q + n // 8 * PANEL + skew)))
            registers = [
                self.pack(o[4 * m + 2 * r], o[4 * m + 2 * r + 1])
                for m in (n, n + 1)
                for r in range(2)
            ]
            self.op(
                f"nvvm.stmatrix {at}, {', '.join(registers)} {{layout = #nvvm.mma_layout<row>, "
                f"shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, "
                f"eltType = #nvvm.ld_st_matrix_elt_type<b16>}} : {PTR}, i32, i32, i32, i32"
            )
        if not self.has("no-proxy-fence"):
            self.op(
                "nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, "
                "space = #nvvm.shared_space<cta>}"
            )
        name, count = self.const(1), self.const(128)
        if self.has("barrier-id"):
            name = self.add("%warp", self.const(-3))
        if self.has("barrier-count"):
            count = self.const(96)
        if self.has("barrier-half-warp"):
            count = self.const(120)
        self.op(f"nvvm.barrier id = {name} number_of_threads = {count}")
        first = self.equals("%wl", self.const(0))
        leader = self.value(f"arith.andi %lane0, {first} : i1")
        self.op(f"scf.if {leader} {{")
        for panel in range(2):
            self.op(
                f"nvvm.cp.async.bulk.tensor.global.shared.cta %o, "
                f"{self.shared(self.const(Q + panel * PANEL))}, "
                f"box[{self.const(64 * panel)}, {self.const(0)}] : !llvm.ptr, {PTR}"
            )
        self.op("nvvm.cp.async.bulk.commit.group")
        if not self.has("no-store-wait"):
            self.op("nvvm.cp.async.bulk.wait_group 0 {read}")
        self.op("}")

    def consume(self):
        if self.has("divergent-setmaxnreg"):
            self.op(f"scf.if {self.equals('%warp', self.const(4))} {{")
        self.op("nvvm.setmaxregister increase 240")
        if self.has("divergent-setmaxnreg"):
            self.op("}")
        self.op(f"%wl = arith.andi %warp, {self.const(3)} : i32")
        self.op(f"%base = llvm.ptrtoint %smem : {PTR} to i32")
        if not self.has("no-q-wait"):
            self.wait(self.barrier(Q_FULL), self.const(0))
        zero = self.const("0.0", "f32")
        n = D // 2 + 32
        names = [f"%a{i}" for i in range(n)]
        types = ", ".join(["f32"] * n)
        init = ", ".join(f"{name} = {zero}" for name in names)
        self.op(
            f"%r:{n} = scf.for %cb = {self.const(0)} to %blocks step {self.const(1)} "
            f"iter_args({init}) -> ({types}) : i32 {{"
        )
        o, s = self.step("%cb", names[: D // 2])
        self.op(f"scf.yield {', '.join(o + s)} : {types}")
        self.op("}")
        results = [f"%r#{i}" for i in range(n)]
        self.store_sums(results[D // 2 :])
        self.store_output(results[: D // 2])

    def build(self):
        self.set_up()
        self.op(f"scf.if {self.equals('%group', self.const(0))} {{")
        self.produce()
        self.op("} else {")
        self.consume()
        self.op("}")
        return self
