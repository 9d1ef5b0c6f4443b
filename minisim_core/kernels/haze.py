"""Layers of haze, each seen through optics of its own."""

from __future__ import annotations

from ._jit import jit


@jit
def blur_layers(out, spectra, below, rest, transfers):
    """Add up the spectra of all layers, times what the optics leave of each frequency.

    Parameters
    ----------
    out : (P, rows, columns) complex64
        One sum for each of P focal planes.
    spectra : (L, rows, columns) complex64
    below, rest : (rows, columns) int32, float32
        Where each frequency lies in the tables: the entry below it, and how far beyond that.
    transfers : (P, L, K) float32
        Tables of what is left, between whose entries it is interpolated.
    """
    planes, layers, _ = transfers.shape
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            k, f = below[i, j], rest[i, j]
            for p in range(planes):
                table = transfers[p]
                total = spectra[0, i, j] * (table[0, k] + f * (table[0, k + 1] - table[0, k]))
                for n in range(1, layers):
                    total += spectra[n, i, j] * (table[n, k] + f * (table[n, k + 1] - table[n, k]))
                out[p, i, j] = total
