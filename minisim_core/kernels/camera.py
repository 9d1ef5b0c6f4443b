"""Electrons to counts, with noise that is a function of pixel and frame number."""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ._jit import inline, jit
from .chance import bits, normal_quantile

F = np.float32
U = np.uint32
I = np.int32  # noqa: E741

FEW_E = 20.0
"""Below this many electrons, photons are counted one by one."""

_RARE = F(3.2973)
"""Variates beyond this are drawn one by one, inside the outermost 32 of 2^16 slices on either side."""


_STRIDE = 32
"""Pixels that are looked at together for a rare variate."""


@intrinsic
def _float_bits(typing_context, value):
    """Return the bits of a float32 as an int32."""
    return types.int32(types.float32), lambda context, builder, signature, args: builder.bitcast(
        args[0], ir.IntType(32)
    )


@intrinsic
def _float_of_bits(typing_context, value):
    """Return the float32 that an int32's bits are."""
    return types.float32(types.int32), lambda context, builder, signature, args: builder.bitcast(
        args[0], ir.FloatType()
    )


@inline
def hash32(x, k0, k1):
    """32 random bits for a pixel under a frame's two keys; vectorises (unlike 64 bits)."""
    x = U(x ^ k0)
    x = U(x ^ U(x >> U(16)))
    x = U(x * U(0x7FEB352D))
    x = U(x ^ U(x >> U(15)))
    x = U(x * U(0x846CA68B))
    x = U(x ^ U(x >> U(16)))
    x = U(x + k1)
    x = U(x ^ U(x >> U(16)))
    x = U(x * U(0x21F0AAAD))
    x = U(x ^ U(x >> U(15)))
    x = U(x * U(0xD35A2D97))
    return U(x ^ U(x >> U(15)))


@inline
def _common_normal(k):
    """Quantile of the middle of slice `k` of 2^16 slices of probability, within 1e-4 up to 3.3 sd.

    Has no branch and vectorises. The inverse error function is u times a function of
    -log(1 - u²) (Giles 2010); both polynomials are minimax fits of our own.
    """
    u = (F(k) + F(0.5)) * F(2.0**-15) - F(1)
    w = _minus_log((F(1) - u) * (F(1) + u))
    q = F(-1.20865408e-05)
    q = q * w + F(4.23529754e-04)
    q = q * w + F(-5.19105401e-03)
    q = q * w + F(1.91042458e-02)
    q = q * w + F(3.26410939e-01)
    q = q * w + F(1.25360464e00)
    return q * u


@inline
def _minus_log(v):
    """Minus the natural logarithm of a positive float32, within 1e-5 (minimax on [2/3, 4/3])."""
    i = _float_bits(v)
    j = I(i - I(0x3F2AAAAB))
    e = I(j >> I(23))
    f = _float_of_bits(I(i - I(j & I(-8388608)))) - F(1)
    r = F(0.23480616)
    r = r * f + F(-0.27845825)
    r = r * f + F(0.33108939)
    r = r * f + F(-0.49898855)
    r = r * f + F(1.00003422)
    return F(0) - (F(e) * F(0.693147182) + r * f)


@jit
def unit_interval(h):
    """A uniform variate inside (0, 1) from 32 bits."""
    return (np.float64(h) + 0.5) * 2.0**-32


@jit
def frame_keys(key, frame):
    """Four 32-bit keys of one frame."""
    one, two = bits(key, frame, 0), bits(key, frame, 1)
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    return U(one & low), U(one >> half), U(two & low), U(two >> half)


@jit
def fill_normals(z, h, row, first_column, keys, follows):
    """Standard normals for a row of pixels, known by absolute row and column.

    Two rows share the 32 bits of a hash, half each; `h` holds them, and if this row `follows` the
    one drawn into `h` before, those of an even row serve again. The rare variates are drawn
    afterwards with 32 bits more, one stride at a time, so that the rest stays branchless.
    """
    k0, k1, k2, k3 = keys
    start = U(row * 4096 + first_column)
    shared = U((row >> 1) * 4096 + first_column)
    shift = U(16 * (1 - row % 2))
    if row % 2 == 0 or not follows:
        for x in range(h.size):
            h[x] = hash32(U(shared + U(x)), k0, k1)
    for x in range(h.size):
        z[x] = _common_normal(I(U(h[x] >> shift) & U(0xFFFF)))
    for first in range(0, h.size, _STRIDE):
        rare = I(0)
        for x in range(_STRIDE):
            rare = I(rare | (I(1) if abs(z[first + x]) > _RARE else I(0)))
        if rare != 0:
            for x in range(first, first + _STRIDE):
                if abs(z[x]) > _RARE:
                    slice_ = np.float64(U(h[x] >> shift) & U(0xFFFF))
                    within = unit_interval(hash32(U(start + U(x)), k3, k2))
                    z[x] = normal_quantile((slice_ + within) * 2.0**-16)


@jit
def fill_normal_pixels(out, key, first_row, first_column):
    """Standard normals for part of the sensor, known by absolute pixel."""
    keys = frame_keys(key, 0)
    h, z, _ = row_room(out.shape[1])
    for y in range(out.shape[0]):
        fill_normals(z, h, first_row + y, first_column, keys, y > 0)
        out[y] = z[: out.shape[1]]


@jit
def count_photons(mean, u):
    """A Poisson variate by inversion of its distribution function."""
    term = math.exp(-mean)
    total, n = term, 0
    while total < u and n < 1000:
        n += 1
        term *= mean / n
        total += term
    return n


@jit
def expose(
    out,
    expected,
    gain_map,
    offset_map,
    first_row,
    first_column,
    key,
    frame,
    dark_e,
    read_noise_e,
    full_well_e,
    counts_per_e,
    largest,
    shift,
):
    """One noisy frame.

    Photon and dark electrons are Poisson, clipped at the full well; read noise, black level and
    pattern follow, then rounding, clipping and dropping `shift` bits.
    """
    camera = (dark_e, read_noise_e, full_well_e, counts_per_e, largest, shift)
    keys = frame_keys(key, frame)
    room = row_room(out.shape[1])
    for y in range(out.shape[0]):
        expose_row(
            out[y], expected[y], gain_map[y], offset_map[y], first_row + y, first_column, y > 0,
            keys, camera, room,
        )  # fmt: skip


@jit
def row_room(columns):
    """Workspace of `expose_row`: bits, normals and electrons of a row, in whole strides."""
    size = (columns + _STRIDE - 1) // _STRIDE * _STRIDE
    return (
        np.empty(size, dtype=np.uint32),
        np.empty(size, dtype=np.float32),
        np.empty(size, dtype=np.float32),
    )


@jit
def expose_row(out, expected, gain, offset, row, first_column, follows, keys, camera, room):
    """One row of a noisy frame.

    Between `FEW_E` and the full well one normal variate stands for Poisson plus read noise, bent
    (Cornish-Fisher) to their mean, variance and skewness.
    """
    dark_e, read_noise_e, full_well_e, counts_per_e, largest, shift = camera
    h, z, electrons = room
    dark, read2 = F(dark_e), F(read_noise_e * read_noise_e)
    many = F(max(full_well_e - 8 * math.sqrt(full_well_e), 0.0))
    scale, top, drop = F(counts_per_e), F(largest), I(shift)
    fill_normals(z, h, row, first_column, keys, follows)
    special = I(0)
    for x in range(out.size):
        electrons[x] = expected[x] * gain[x] + dark
        special = I(special + (I(1) if electrons[x] < F(FEW_E) else I(0)))
        special = I(special + (I(1) if electrons[x] >= many else I(0)))
    if special == 0:
        for x in range(out.size):
            electrons[x] = _many_electrons(electrons[x], read2, z[x])
    else:
        for x in range(out.size):
            mean = electrons[x]
            if mean >= F(FEW_E) and mean < many:
                electrons[x] = _many_electrons(mean, read2, z[x])
            else:
                bits_of_its_own = hash32(U(row * 4096 + first_column + x), keys[2], keys[3])
                electrons[x] = _any_electrons(mean, z[x], bits_of_its_own, read_noise_e, full_well_e)
    for x in range(out.size):
        count = electrons[x] * scale + offset[x] + F(0.5)
        out[x] = I(I(max(min(count, top), F(0))) >> drop)


@inline
def _many_electrons(mean, read2, z):
    """Poisson electrons and read noise from one normal, right in mean, variance and skewness."""
    variance = mean + read2
    bend = mean / (F(6) * variance)
    spread = math.sqrt(max(variance - F(2) * bend * bend, F(0)))
    return mean + spread * z + bend * (z * z - F(1))


@jit
def _any_electrons(mean, z, own, read_noise_e, full_well_e):
    """Electrons of one pixel that is dim or nearly full, from a normal and 32 bits of its own."""
    u = unit_interval(own)
    if mean <= F(0):
        collected = 0.0
    elif mean < F(FEW_E):
        collected = float(count_photons(mean, u))
    else:
        g = normal_quantile(u)
        collected = mean + math.sqrt(mean) * g + (g * g - 1) / 6
    return F(min(collected, full_well_e) + read_noise_e * z)


@jit
def expose_mean(out, expected, dark_e, full_well_e, counts_per_e, black, largest, shift):
    """One frame without randomness: the mean number of electrons, converted."""
    scale, top, drop = F(counts_per_e), F(largest), I(shift)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            electrons = min(expected[y, x] + F(dark_e), F(full_well_e))
            count = electrons * scale + F(black) + F(0.5)
            out[y, x] = I(I(max(min(count, top), F(0))) >> drop)
