"""Electrons to counts, with noise that is a function of pixel and frame number."""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ._jit import inline, jit
from .chance import bits

F = np.float32
U = np.uint32
I = np.int32  # noqa: E741

FEW_E = 20.0
"""Below this many electrons, photons are counted one by one."""

_RARE = int(0.0017 * 2**32)


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
def _common_normal(h):
    """A standard normal from 32 bits, right unless `_is_rare`; has no branch and vectorises.

    Inverse error function in single precision (Giles 2010), for the 99.7 % of variates within
    2.9 sd; the logarithm in it is a polynomial in the mantissa.
    """
    u = (F(I(h >> U(9))) + F(0.5)) * F(2.0**-22) - F(1)
    w = _minus_log((F(1) - u) * (F(1) + u)) - F(2.5)
    q = F(2.81022636e-08)
    q = q * w + F(3.43273939e-07)
    q = q * w - F(3.5233877e-06)
    q = q * w - F(4.39150654e-06)
    q = q * w + F(0.00021858087)
    q = q * w - F(0.00125372503)
    q = q * w - F(0.00417768164)
    q = q * w + F(0.246640727)
    q = q * w + F(1.50140941)
    return q * u * F(1.41421356)


@inline
def _is_rare(h):
    """Whether the bits stand for a variate beyond 2.9 sd."""
    return U(h + U(_RARE)) < U(2 * _RARE)


@inline
def _minus_log(w):
    """Minus the natural logarithm of a positive float32 (polynomial on [2/3, 4/3])."""
    i = _float_bits(w)
    j = I(i - I(0x3F2AAAAB))
    e = I(j >> I(23))
    f = _float_of_bits(I(i - I(j & I(-8388608)))) - F(1)
    s = f * f
    r = F(-0.130187988)
    t = F(0.140889585)
    r = r * s + F(-0.121489584)
    t = t * s + F(0.139809534)
    r = r * s + F(-0.166845024)
    t = t * s + F(0.200121149)
    r = r * s + F(-0.249996364)
    r = t * f + r
    r = r * f + F(0.333331943)
    r = r * f + F(-0.5)
    r = r * s + f
    return F(0) - (F(e) * F(0.693147182) + r)


@jit
def normal32(h):
    """A standard normal from 32 bits: inverse error function in single precision (Giles 2010)."""
    if not _is_rare(h):
        return _common_normal(h)
    u = (F(I(h >> U(9))) + F(0.5)) * F(2.0**-22) - F(1)
    w = math.sqrt(_minus_log((F(1) - u) * (F(1) + u))) - F(3)
    r = F(-0.000200214257)
    r = r * w + F(0.000100950558)
    r = r * w + F(0.00134934322)
    r = r * w - F(0.00367342844)
    r = r * w + F(0.00573950773)
    r = r * w - F(0.0076224613)
    r = r * w + F(0.00943887047)
    r = r * w + F(1.00167406)
    r = r * w + F(2.83297682)
    return r * u * F(1.41421356)


@jit
def fill_normals(z, h, start, k0, k1):
    """Standard normals for a row of pixels whose first has number `start`; `h` is workspace.

    The rare ones are mended afterwards, sixteen pixels at a time, so that the rest stays branchless.
    """
    count = z.size
    for x in range(count):
        h[x] = hash32(U(start + U(x)), k0, k1)
    for x in range(count):
        z[x] = _common_normal(h[x])
    for first in range(0, count, 16):
        some = h[first : first + 16]
        rare = I(0)
        for x in range(some.size):
            rare = I(rare | (I(1) if _is_rare(some[x]) else I(0)))
        if rare != 0:
            for x in range(some.size):
                if _is_rare(some[x]):
                    z[first + x] = normal32(some[x])


@jit
def fill_normal_pixels(out, key, first_row, first_column):
    """Standard normals for part of the sensor, known by absolute pixel."""
    seed = bits(key, 0, 0)
    k0, k1 = U(seed & np.uint64(0xFFFFFFFF)), U(seed >> np.uint64(32))
    h = np.empty(out.shape[1], dtype=np.uint32)
    for y in range(out.shape[0]):
        fill_normals(out[y], h, U((first_row + y) * 4096 + first_column), k0, k1)


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
    pattern follow, then rounding, clipping and dropping `shift` bits. Between `FEW_E` and the full
    well one normal variate stands for Poisson plus read noise, bent (Cornish-Fisher) to their
    mean, variance and skewness.
    """
    rows, columns = out.shape
    seed, more = bits(key, frame, 0), bits(key, frame, 1)
    k0, k1 = U(seed & np.uint64(0xFFFFFFFF)), U(seed >> np.uint64(32))
    k2, k3 = U(more & np.uint64(0xFFFFFFFF)), U(more >> np.uint64(32))
    z, h = np.empty(columns, dtype=np.float32), np.empty(columns, dtype=np.uint32)
    mean = np.empty(columns, dtype=np.float32)
    dark, read2 = F(dark_e), F(read_noise_e * read_noise_e)
    many = F(max(full_well_e - 8 * math.sqrt(full_well_e), 0.0))
    scale, top, drop = F(counts_per_e), F(largest), I(shift)
    for y in range(rows):
        start = U((first_row + y) * 4096 + first_column)
        fill_normals(z, h, start, k0, k1)
        special = I(0)
        for x in range(columns):
            mean[x] = expected[y, x] * gain_map[y, x] + dark
            special = I(special + (I(1) if mean[x] < F(FEW_E) else I(0)))
            special = I(special + (I(1) if mean[x] >= many else I(0)))
        if special == 0:
            for x in range(columns):
                variance = mean[x] + read2
                bend = mean[x] / (F(6) * variance)
                spread = math.sqrt(max(variance - F(2) * bend * bend, F(0)))
                mean[x] = mean[x] + spread * z[x] + bend * (z[x] * z[x] - F(1))
        else:
            for x in range(columns):
                mean[x] = _any_electrons(
                    mean[x], z[x], U(start + U(x)), k0, k1, k2, k3, read_noise_e, full_well_e, many
                )
        for x in range(columns):
            count = mean[x] * scale + offset_map[y, x] + F(0.5)
            out[y, x] = I(I(max(min(count, top), F(0))) >> drop)


@jit
def _any_electrons(mean, z, pixel, k0, k1, k2, k3, read_noise_e, full_well_e, many):
    """Electrons of one pixel at any light level."""
    if mean >= F(FEW_E) and mean < many:
        variance = mean + F(read_noise_e * read_noise_e)
        bend = mean / (F(6) * variance)
        return mean + math.sqrt(max(variance - F(2) * bend * bend, F(0))) * z + bend * (z * z - F(1))
    if mean <= F(0):
        collected = 0.0
    elif mean < F(FEW_E):
        collected = float(count_photons(mean, (np.float64(hash32(pixel, k0, k1)) + 0.5) * 2.0**-32))
    else:
        collected = mean + math.sqrt(mean) * z + (z * z - 1) / 6
    return F(min(collected, full_well_e) + read_noise_e * normal32(hash32(pixel, k2, k3)))


@jit
def expose_mean(out, expected, dark_e, full_well_e, counts_per_e, black, largest, shift):
    """One frame without randomness: the mean number of electrons, converted."""
    scale, top, drop = F(counts_per_e), F(largest), I(shift)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            electrons = min(expected[y, x] + F(dark_e), F(full_well_e))
            count = electrons * scale + F(black) + F(0.5)
            out[y, x] = I(I(max(min(count, top), F(0))) >> drop)
