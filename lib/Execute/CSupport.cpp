//===- CSupport.cpp - What every compiled entry brings along --------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM IR, so that it goes into an object of any architecture, with C above it.
//
//===----------------------------------------------------------------------===//

#include "lib/Execute/CInterface.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/Module.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/SourceMgr.h"

using namespace llvm;

namespace attn {
namespace {

constexpr StringLiteral tensorCode = R"(
%tensor = type { ptr, i64, [8 x i64], [8 x i64] }

declare { i64, i1 } @llvm.smul.with.overflow.i64(i64, i64)
declare i64 @llvm.abs.i64(i64, i1)
declare i64 @llvm.sadd.sat.i64(i64, i64)

; Writes the row-major descriptor d = {data, data, 0, sizes, strides} of t, whose
; elements have this many bytes and whose sizes are those wanted (-1: any).
; Returns -1 when t cannot be read, 0 when it is row-major, else the bytes of a
; row-major copy, of which d then wants the address.
;   int64_t count = 1, reach = 0;
;   bool strided = false, gaps = false;
;   if (!t || t->rank != rank) return -1;
;   d[0] = d[1] = t->data; d[2] = 0;
;   for (i = rank; i-- > 0;) {
;     if (wanted[i] >= 0 && sizes[i] != wanted[i]) return -1;
;     if (sizes[i] < 0) return -1;
;     gaps |= sizes[i] > 1 && strides[i] != count;
;     strided |= strides[i] != 0;
;     reach += abs(strides[i] * (sizes[i] - 1));  // -1 where one overflows
;     d[3 + i] = sizes[i]; d[3 + rank + i] = count;
;     count *= sizes[i];
;   }
;   if (count == 0) return 0;
;   if (max(count, reach) > 2^62 / bytes) return -1;
;   if (!t->data || t->data % bytes) return -1;
;   return strided && gaps ? roundUp(count * bytes, 64) : 0;
define i64 @attn.tensor(ptr %t, i64 %rank, i64 %bytes, ptr %wanted, ptr %d) {
start:
  %null = icmp eq ptr %t, null
  br i1 %null, label %bad, label %head
head:
  %data = load ptr, ptr %t
  %rank.at = getelementptr inbounds %tensor, ptr %t, i32 0, i32 1
  %rank.is = load i64, ptr %rank.at
  %rank.ok = icmp eq i64 %rank.is, %rank
  br i1 %rank.ok, label %fill, label %bad
fill:
  store ptr %data, ptr %d
  %d.1 = getelementptr inbounds ptr, ptr %d, i64 1
  store ptr %data, ptr %d.1
  %d.2 = getelementptr inbounds ptr, ptr %d, i64 2
  store i64 0, ptr %d.2
  %d.3 = getelementptr inbounds ptr, ptr %d, i64 3
  br label %next
next:
  %left = phi i64 [ %rank, %fill ], [ %i, %ok ]
  %count = phi i64 [ 1, %fill ], [ %count.new, %ok ]
  %reach = phi i64 [ 0, %fill ], [ %reach.new, %ok ]
  %strided = phi i1 [ false, %fill ], [ %strided.new, %ok ]
  %gaps = phi i1 [ false, %fill ], [ %gaps.new, %ok ]
  %done = icmp eq i64 %left, 0
  br i1 %done, label %end, label %dim
dim:
  %i = sub nuw i64 %left, 1
  %size.at = getelementptr inbounds %tensor, ptr %t, i32 0, i32 2, i64 %i
  %size = load i64, ptr %size.at
  %stride.at = getelementptr inbounds %tensor, ptr %t, i32 0, i32 3, i64 %i
  %stride = load i64, ptr %stride.at
  %want.at = getelementptr inbounds i64, ptr %wanted, i64 %i
  %want = load i64, ptr %want.at
  %any = icmp slt i64 %want, 0
  %same = icmp eq i64 %want, %size
  %fits = or i1 %any, %same
  %positive = icmp sge i64 %size, 0
  %count.mul = call { i64, i1 } @llvm.smul.with.overflow.i64(i64 %count, i64 %size)
  %count.new = extractvalue { i64, i1 } %count.mul, 0
  %count.over = extractvalue { i64, i1 } %count.mul, 1
  %before = sub i64 %size, 1
  %step = call { i64, i1 } @llvm.smul.with.overflow.i64(i64 %stride, i64 %before)
  %step.is = extractvalue { i64, i1 } %step, 0
  %step.over = extractvalue { i64, i1 } %step, 1
  %step.abs = call i64 @llvm.abs.i64(i64 %step.is, i1 false)
  %reach.new = call i64 @llvm.sadd.sat.i64(i64 %reach, i64 %step.abs)
  %over = or i1 %count.over, %step.over
  %under = xor i1 %over, true
  %good.0 = and i1 %fits, %positive
  %good = and i1 %good.0, %under
  br i1 %good, label %ok, label %bad
ok:
  %d.size = getelementptr inbounds i64, ptr %d.3, i64 %i
  store i64 %size, ptr %d.size
  %at = add i64 %rank, %i
  %d.stride = getelementptr inbounds i64, ptr %d.3, i64 %at
  store i64 %count, ptr %d.stride
  %set = icmp ne i64 %stride, 0
  %strided.new = or i1 %strided, %set
  %many = icmp sgt i64 %size, 1
  %differs = icmp ne i64 %stride, %count
  %gap = and i1 %many, %differs
  %gaps.new = or i1 %gaps, %gap
  br label %next
end:
  %empty = icmp eq i64 %count, 0
  br i1 %empty, label %row.major, label %extent
extent:
  %limit = udiv i64 4611686018427387904, %bytes
  %long = icmp ugt i64 %count, %limit
  %far = icmp ugt i64 %reach, %limit
  %huge = or i1 %long, %far
  %address = ptrtoint ptr %data to i64
  %mask = sub i64 %bytes, 1
  %low = and i64 %address, %mask
  %skew = icmp ne i64 %low, 0
  %nodata = icmp eq ptr %data, null
  %wrong.0 = or i1 %huge, %skew
  %wrong = or i1 %wrong.0, %nodata
  br i1 %wrong, label %bad, label %layout
layout:
  %copied = and i1 %strided, %gaps
  br i1 %copied, label %copy, label %row.major
copy:
  %total = mul i64 %count, %bytes
  %more = add i64 %total, 63
  %lines = and i64 %more, -64
  ret i64 %lines
row.major:
  ret i64 0
bad:
  ret i64 -1
}
)";

constexpr StringLiteral copyCode = R"(
%tensor = type { ptr, i64, [8 x i64], [8 x i64] }

declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
; Copies n elements that lie `step` bytes apart.
define void @attn.row(ptr %to, ptr %from, i64 %n, i64 %step, i64 %bytes) {
start:
  %dense = icmp eq i64 %step, %bytes
  br i1 %dense, label %whole, label %test
whole:
  %total = mul i64 %n, %bytes
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %total, i1 false)
  ret void
test:
  %i = phi i64 [ 0, %start ], [ %i.next, %next ]
  %more = icmp slt i64 %i, %n
  br i1 %more, label %body, label %end
body:
  %from.off = mul i64 %i, %step
  %a = getelementptr i8, ptr %from, i64 %from.off
  %to.off = mul i64 %i, %bytes
  %b = getelementptr i8, ptr %to, i64 %to.off
  switch i64 %bytes, label %one [ i64 2, label %two
                                  i64 4, label %four
                                  i64 8, label %eight ]
one:
  %x1 = load i8, ptr %a
  store i8 %x1, ptr %b
  br label %next
two:
  %x2 = load i16, ptr %a
  store i16 %x2, ptr %b
  br label %next
four:
  %x4 = load i32, ptr %a
  store i32 %x4, ptr %b
  br label %next
eight:
  %x8 = load i64, ptr %a
  store i64 %x8, ptr %b
  br label %next
next:
  %i.next = add i64 %i, 1
  br label %test
end:
  ret void
}

; Copies t row-major to `to` and points d there. t has an element.
;   int64_t at[8] = {0}, last = rank - 1;
;   d[0] = d[1] = to;
;   for (const char *from = t->data;;) {
;     row(to, from, sizes[last], strides[last] * bytes, bytes);
;     to += sizes[last] * bytes;
;     for (i = last;;) {
;       if (i-- == 0) return;
;       from += strides[i] * bytes;
;       if (++at[i] < sizes[i]) break;
;       from -= strides[i] * sizes[i] * bytes;
;       at[i] = 0;
;     }
;   }
define void @attn.straighten(ptr %t, i64 %rank, i64 %bytes, ptr %d, ptr %to.0) {
start:
  %at = alloca [8 x i64]
  store [8 x i64] zeroinitializer, ptr %at
  store ptr %to.0, ptr %d
  %d.1 = getelementptr inbounds ptr, ptr %d, i64 1
  store ptr %to.0, ptr %d.1
  %from.0 = load ptr, ptr %t
  %last = sub i64 %rank, 1
  %n.at = getelementptr inbounds %tensor, ptr %t, i32 0, i32 2, i64 %last
  %n = load i64, ptr %n.at
  %step.at = getelementptr inbounds %tensor, ptr %t, i32 0, i32 3, i64 %last
  %step.is = load i64, ptr %step.at
  %step = mul i64 %step.is, %bytes
  %row = mul i64 %n, %bytes
  br label %copy
copy:
  %to = phi ptr [ %to.0, %start ], [ %to.next, %advance ]
  %from = phi ptr [ %from.0, %start ], [ %from.on, %advance ]
  call void @attn.row(ptr %to, ptr %from, i64 %n, i64 %step, i64 %bytes)
  %to.next = getelementptr i8, ptr %to, i64 %row
  br label %carry
carry:
  %left = phi i64 [ %last, %copy ], [ %i, %wrap ]
  %from.at = phi ptr [ %from, %copy ], [ %from.back, %wrap ]
  %over = icmp eq i64 %left, 0
  br i1 %over, label %end, label %advance
advance:
  %i = sub i64 %left, 1
  %size.at = getelementptr inbounds %tensor, ptr %t, i32 0, i32 2, i64 %i
  %size = load i64, ptr %size.at
  %stride.at = getelementptr inbounds %tensor, ptr %t, i32 0, i32 3, i64 %i
  %stride.is = load i64, ptr %stride.at
  %stride = mul i64 %stride.is, %bytes
  %from.on = getelementptr i8, ptr %from.at, i64 %stride
  %at.i = getelementptr inbounds i64, ptr %at, i64 %i
  %now = load i64, ptr %at.i
  %now.next = add i64 %now, 1
  store i64 %now.next, ptr %at.i
  %inside = icmp slt i64 %now.next, %size
  br i1 %inside, label %copy, label %wrap
wrap:
  store i64 0, ptr %at.i
  %span = mul i64 %stride, %size
  %span.back = sub i64 0, %span
  %from.back = getelementptr i8, ptr %from.on, i64 %span.back
  br label %carry
end:
  ret void
}
)";

/// The parallel loop: the caller's, or one after another.
constexpr StringLiteral loopCode = R"(
@attn.pool = global ptr null

define void @attn.loop(ptr %fn, i64 %n, ptr %context) {
start:
  %pool = load atomic ptr, ptr @attn.pool monotonic, align 8
  %alone = icmp eq ptr %pool, null
  br i1 %alone, label %test, label %shared
shared:
  call void %pool(ptr %fn, i64 %n, ptr %context)
  ret void
test:
  %i = phi i64 [ 0, %start ], [ %i.next, %body ]
  %more = icmp slt i64 %i, %n
  br i1 %more, label %body, label %end
body:
  call void %fn(i64 %i, ptr %context)
  %i.next = add nuw nsw i64 %i, 1
  br label %test
end:
  ret void
}
)";

/// What code generation calls, so that an object needs no libc. 16 bytes at a
/// time; the last 16 may overlap those before.
constexpr StringLiteral memoryCode = R"(
define ptr @memset(ptr %to, i32 %byte, i64 %n) #0 {
start:
  %b = trunc i32 %byte to i8
  %one = insertelement <16 x i8> poison, i8 %b, i64 0
  %all = shufflevector <16 x i8> %one, <16 x i8> poison, <16 x i32> zeroinitializer
  %short = icmp ult i64 %n, 16
  br i1 %short, label %bytes, label %chunks
bytes:
  %i = phi i64 [ 0, %start ], [ %i.next, %byte.body ]
  %more = icmp ult i64 %i, %n
  br i1 %more, label %byte.body, label %end
byte.body:
  %i.at = getelementptr i8, ptr %to, i64 %i
  store i8 %b, ptr %i.at
  %i.next = add i64 %i, 1
  br label %bytes
chunks:
  %last = sub i64 %n, 16
  br label %chunk
chunk:
  %j = phi i64 [ 0, %chunks ], [ %j.next, %chunk ]
  %j.at = getelementptr i8, ptr %to, i64 %j
  store <16 x i8> %all, ptr %j.at, align 1
  %j.next = add i64 %j, 16
  %again = icmp ult i64 %j.next, %last
  br i1 %again, label %chunk, label %tail
tail:
  %last.at = getelementptr i8, ptr %to, i64 %last
  store <16 x i8> %all, ptr %last.at, align 1
  br label %end
end:
  ret ptr %to
}

define ptr @memcpy(ptr %to, ptr %from, i64 %n) #0 {
start:
  %short = icmp ult i64 %n, 16
  br i1 %short, label %bytes, label %chunks
bytes:
  %i = phi i64 [ 0, %start ], [ %i.next, %byte.body ]
  %more = icmp ult i64 %i, %n
  br i1 %more, label %byte.body, label %end
byte.body:
  %i.from = getelementptr i8, ptr %from, i64 %i
  %i.to = getelementptr i8, ptr %to, i64 %i
  %b = load i8, ptr %i.from
  store i8 %b, ptr %i.to
  %i.next = add i64 %i, 1
  br label %bytes
chunks:
  %last = sub i64 %n, 16
  br label %chunk
chunk:
  %j = phi i64 [ 0, %chunks ], [ %j.next, %chunk ]
  %j.from = getelementptr i8, ptr %from, i64 %j
  %j.to = getelementptr i8, ptr %to, i64 %j
  %v = load <16 x i8>, ptr %j.from, align 1
  store <16 x i8> %v, ptr %j.to, align 1
  %j.next = add i64 %j, 16
  %again = icmp ult i64 %j.next, %last
  br i1 %again, label %chunk, label %tail
tail:
  %last.from = getelementptr i8, ptr %from, i64 %last
  %last.to = getelementptr i8, ptr %to, i64 %last
  %w = load <16 x i8>, ptr %last.from, align 1
  store <16 x i8> %w, ptr %last.to, align 1
  br label %end
end:
  ret ptr %to
}

; To lower addresses from the front, to higher ones from the back.
define ptr @memmove(ptr %to, ptr %from, i64 %n) #0 {
start:
  %back = icmp ugt ptr %to, %from
  br label %next
next:
  %i = phi i64 [ 0, %start ], [ %i.next, %body ]
  %more = icmp ult i64 %i, %n
  br i1 %more, label %body, label %end
body:
  %i.next = add i64 %i, 1
  %mirror = sub i64 %n, %i.next
  %at = select i1 %back, i64 %mirror, i64 %i
  %i.from = getelementptr i8, ptr %from, i64 %at
  %i.to = getelementptr i8, ptr %to, i64 %at
  %b = load i8, ptr %i.from
  store i8 %b, ptr %i.to
  br label %next
end:
  ret ptr %to
}

attributes #0 = { "no-builtins" }
)";

} // namespace

std::unique_ptr<Module> makeSupport(LLVMContext &context) {
  auto whole = std::make_unique<Module>("support", context);
  for (StringRef text : {tensorCode, copyCode, loopCode, memoryCode}) {
    SMDiagnostic diagnostic;
    std::unique_ptr<Module> part =
        parseAssemblyString(text, diagnostic, context);
    assert(part && "the support code is constant");
    Linker::linkModules(*whole, std::move(part));
  }
  return whole;
}

} // namespace attn
