"""attn-c/attn.h for Python."""

from typing import overload


@overload
def sdpa(q, k, v, *, attn_mask=None, is_causal: bool = False, causal_align: str | int = 'top_left', scale: float | None = None, window: tuple[int, int] = (-1, -1), softcap: float = 0.0, alibi_slopes=None, sinks=None, kv_lens=None, score_mod=None, mask_mod=None, enable_gqa: bool = False, return_lse: bool = False, out=None, threads: int | None = None, target: str = 'cpu'):
    """
    softmax(scale * q k^T) v for each batch and head, fused; no tensor of M x N is made.

    q [B, Hq, M, D], k [B, Hkv, N, D], v [B, Hkv, N, Dv]: arrays of numpy (ml_dtypes.bfloat16
    included), torch, or anything with DLPack, float64, float32, float16 or bfloat16, of any strides.
    Contiguous ones in the orders BHSD, BSHD and SBHD are read in place, and so are slices of such: parts of a
    packed QKV, the start of a cache. Others are copied first.
    The result, [B, Hq, M, Dv], is of the kind and type of q; sums are float32 (float64 for float64).

    The steps: scale, softcap, score_mod, ALiBi, additive mask; then boolean mask, mask_mod, causal,
    window, kv_lens; then sinks. A key that is dropped takes no part, whatever it holds; a row that keeps none is 0.

    attn_mask      bool (True: attend) or floating point (added), broadcasts to [B, Hq, M, N]
    is_causal      keep n <= m + offset
    causal_align   the offset: 'top_left' is 0, 'bottom_right' is N - M (kv_lens[b] - M beside
                   kv_lens), or an integer; for window and ALiBi too
    scale          a number; 1 / sqrt(D) without
    window         (left, right): keep m + offset - left <= n <= m + offset + right; -1 is no bound
    softcap        scores become softcap * tanh(scores / softcap); 0 is no cap
    alibi_slopes   [Hq]: slopes[h] * |n - (m + offset)| is subtracted
    sinks          [Hq]: logits that join the denominator
    kv_lens        [B] integers in [0, N]: keep n < kv_lens[b]
    score_mod      a function of (score, b, h, m, n), traced once into the kernel: operators, and numpy's
                   and torch's functions, on what it is given; arrays that it indexes are read at the call
    mask_mod       a function of (b, h, m, n): True keeps the key
    enable_gqa     allow Hkv to divide Hq: head h reads key head h // (Hq // Hkv)
    return_lse     return (output, lse [B, Hq, M]), the natural log of the sums without the sinks
    out            the array to write to, of any strides; it may be one of the inputs
    threads        how many to use; as many as there are CPUs without
    target         'cpu' (this machine), 'cpu:<name or level>', 'linalg', or 'nvvm-emulation:sm_90a',
                   which runs the GPU kernel on the CPU (bfloat16 and float16)

    ValueError or TypeError names the argument, what was expected and what was found.
    """

@overload
def sdpa() -> None:
    """TypeError: q, k and v are missing."""

class Weights:
    """Copies of an entry's weights, packed."""

class Entry:
    """A compiled entry."""

    def __init__(self, source: str, name: str, entry: str, target: str) -> None: ...

    def call(self, *arguments, out: object | None, threads: int, weights: Weights | None) -> object: ...

    def prepack(self, *weights) -> Weights: ...

    def signature(self, prepacked: bool) -> str: ...

class Program:
    """An entry compiled for C programs."""

    def __init__(self, source: str, name: str, entry: str, target: str) -> None: ...

    def emit(self, kind: int) -> bytes:
        """The bytes of a file of this kind, an attn_program_kind."""

def lower(source: str, name: str, target: str, stop_after: str) -> str:
    """The source as it leaves a room."""

def explain(source: str, name: str, target: str) -> str:
    """What each room does with the source, and the plans."""

def rooms() -> str:
    """`input, raise, optimize, split-heads, ...`"""

def describe_target(target: str) -> str:
    """What a target string means on this machine."""

def cache_info() -> tuple[str, int, int, int]:
    """Folder (empty: there is none), files, bytes, most bytes."""

def cache_clear() -> None:
    """Removes all compiled code from the cache."""
