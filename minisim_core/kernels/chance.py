"""Counter-based randomness: every variate is a function of its key and its indices."""

from __future__ import annotations

import math

import numpy as np

from ._jit import jit

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_STEP = np.uint64(0xD1B54A32D192ED03)


@jit
def mix(x):
    """Scramble 64 bits (the finaliser of splitmix64, variant 13)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@jit
def row(key, i):
    """What all variates of index i under a key have in common."""
    return mix(np.uint64(key) + np.uint64(i) * _GOLDEN + _STEP)


@jit
def bits(key, i, j):
    """64 random bits for the pair of indices (i, j) under a key."""
    return mix(row(key, i) + np.uint64(j) * _STEP + _GOLDEN)


@jit
def uniform(key, i, j):
    """A uniform variate inside (0, 1), never 0 or 1."""
    return uniform_in(row(key, i), j)


@jit
def uniform_in(row, j):
    """The j-th uniform variate of a row: for loops over j."""
    x = mix(row + np.uint64(j) * _STEP + _GOLDEN)
    # signed numbers turn into floats several times faster
    return (np.float64(np.int64(x >> np.uint64(11))) + 0.5) * 1.1102230246251565e-16


# Wichura 1988, AS 241: numerators and denominators, highest power first.
# fmt: off
_CENTER = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)
_TAIL = (
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177,
     1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055,
     4.6303378461565452959, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966,
     0.14810397642748007459, 0.68976733498510000455, 1.6763848301838038494,
     2.05319162663775882187, 1.0),
)
_FAR_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386,
     0.026532189526576123093, 0.29656057182650489123, 1.7848265399172913358,
     5.4637849111641143699, 6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
     7.868691311456132591e-4, 0.0148753612908506148525, 0.13692988092273580531,
     0.59983220655588793769, 1.0),
)
# fmt: on


@jit
def _ratio(polynomials, r):
    above, below = 0.0, 0.0
    for c in polynomials[0]:
        above = above * r + c
    for c in polynomials[1]:
        below = below * r + c
    return above / below


@jit
def normal_quantile(p):
    """Inverse of the normal distribution function (Wichura 1988, AS 241), within 1e-11."""
    q = p - 0.5
    if abs(q) <= 0.425:
        return q * _ratio(_CENTER, 0.180625 - q * q)
    r = math.sqrt(-math.log(min(p, 1.0 - p)))
    value = _ratio(_TAIL, r - 1.6) if r <= 5.0 else _ratio(_FAR_TAIL, r - 5.0)
    return -value if q < 0 else value


@jit
def normal(key, i, j):
    """A standard normal variate."""
    return normal_quantile(uniform(key, i, j))


@jit
def fill_uniform(out, key, ids, j):
    """Uniform variates for every id."""
    for n in range(ids.size):
        out[n] = uniform(key, ids[n], j)


@jit
def fill_normal(out, key, ids, j):
    """Standard normal variates for every id."""
    for n in range(ids.size):
        out[n] = normal(key, ids[n], j)
