# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The same elements in other places in memory, and memory that ends where the elements do."""

import ctypes
import mmap

import numpy as np

PAGE = mmap.PAGESIZE


def lay_out(array, how):
    """The same elements in other places."""
    if how == "bshd":
        return np.ascontiguousarray(array.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)
    if how == "sbhd":
        return np.ascontiguousarray(array.transpose(2, 0, 1, 3)).transpose(1, 2, 0, 3)
    if how == "fortran":
        return np.asfortranarray(array)
    if how == "backwards":
        return np.ascontiguousarray(array[:, :, ::-1, ::-1])[:, :, ::-1, ::-1]
    if how == "gaps":
        wide = np.zeros((*array.shape[:3], 2 * array.shape[3] + 1), array.dtype)
        wide[..., 1::2] = array
        return wide[..., 1::2]
    if how == "packed":  # one part of three in [B, S, 3, H, D]
        whole = np.full((3, *array.shape), 77, array.dtype).transpose(1, 3, 0, 2, 4).copy()
        whole[:, :, 1] = array.transpose(0, 2, 1, 3)
        return whole[:, :, 1].transpose(0, 2, 1, 3)
    if how == "cache":  # the first positions of more, and some channels
        batches, heads, size, dim = array.shape
        whole = np.full((batches, heads, size + 9, dim + 3), 77, array.dtype)
        whole[:, :, :size, 2 : dim + 2] = array
        return whole[:, :, :size, 2 : dim + 2]
    if how == "unaligned":
        memory = np.zeros(array.nbytes + 1, np.uint8)
        odd = memory[1:].view(array.dtype).reshape(array.shape)
        odd[...] = array
        return odd
    if how == "repeated":
        return np.broadcast_to(array[:1], array.shape)
    if how == "read-only":
        array = array.copy()
        array.setflags(write=False)
    return array


class Guarded:
    """Memory between two pages that nobody may touch: an access ends the process."""

    def __init__(self, size):
        whole = -(-size // PAGE) * PAGE
        self.memory = mmap.mmap(-1, whole + 2 * PAGE)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        for page in (self.address, self.address + PAGE + whole):
            if protect(ctypes.c_void_p(page), ctypes.c_size_t(PAGE), 0):
                raise OSError(ctypes.get_errno(), "mprotect")
        self.first, self.end = PAGE, PAGE + whole

    def place(self, array, side):
        """`array` right behind the first guard page, or right before the second."""
        start = self.first if side == "before" else self.end - array.nbytes
        memory = np.frombuffer(self.memory, np.uint8, array.nbytes, start)
        placed = memory.view(array.dtype).reshape(array.shape)
        placed[...] = array
        return placed


def guarded(array, side):
    """A copy of a dense `array` beside a page that nobody may touch."""
    if array.nbytes == 0:
        return array
    return Guarded(array.nbytes).place(np.ascontiguousarray(array), side)
