"""Arrays that are computed when indexed, and otherwise look like numpy's."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import memory

Reader = Callable[[NDArray[np.intp]], NDArray[Any]]


class LazyArray:
    """A read-only array whose entries along one axis are computed on demand.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype
    axis : int
        The axis along which entries are computed.
    read : callable
        Takes ascending or arbitrary indices along `axis`, returns the entries stacked along it.
    origin : callable
        Returns a function and its arguments that make this array again elsewhere; asked for pickling.
    hint : str
        What to do instead when the whole does not fit in memory.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: Any,
        axis: int,
        read: Reader,
        origin: Callable[[], tuple[Any, ...]],
        hint: str,
    ) -> None:
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self._axis, self._read, self._origin, self._hint = axis, read, origin, hint

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes the whole would take."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<lazy array {self.shape} {self.dtype}>"

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("these entries are computed on demand: a copy cannot be avoided")
        whole = self[...]
        return whole.astype(dtype or self.dtype, copy=bool(copy))

    def __reduce__(self) -> tuple[Any, ...]:
        function, *arguments = self._origin()
        return function, tuple(arguments)

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        function, *arguments = self._origin()
        return (function.__module__, function.__qualname__, *arguments)

    def __getitem__(self, key: Any) -> Any:
        keys = self._full_key(key)
        wanted = keys[self._axis]
        length = self.shape[self._axis]
        others = keys[: self._axis] + keys[self._axis + 1 :]
        if isinstance(wanted, slice):
            indices = np.arange(length)[wanted]
            self._check_size(len(indices))
            block = self._read(indices)
            return self._frozen(block[tuple([*keys[: self._axis], slice(None), *keys[self._axis + 1 :]])])
        if np.ndim(wanted) and any(not isinstance(k, (slice, int)) for k in others):
            raise IndexError("index only one axis with an array at a time")
        indices = _checked(np.asarray(wanted), length)
        self._check_size(indices.size)
        block = self._read(indices.ravel())
        if np.ndim(wanted) == 0:
            keys[self._axis] = 0
            return self._frozen(block[tuple(keys)])
        keys[self._axis] = np.arange(indices.size).reshape(indices.shape)
        return self._frozen(block[tuple(keys)])

    def _full_key(self, key: Any) -> list[Any]:
        """One key per axis: slices, ints and integer arrays only."""
        keys = list(key) if isinstance(key, tuple) else [key]
        if any(k is None for k in keys):
            raise IndexError("new axes are not supported: index first, then reshape")
        dots = [i for i, k in enumerate(keys) if k is Ellipsis]
        if len(dots) > 1:
            raise IndexError("an index can only have a single ellipsis ('...')")
        given = len(keys) - len(dots)
        if given > self.ndim:
            raise IndexError(f"too many indices: this array has {self.ndim} axes")
        at = dots[0] if dots else given
        rest = [slice(None)] * (self.ndim - given)
        keys = keys[:at] + rest + keys[at + len(dots) :]
        return [_axis_key(k, length) for k, length in zip(keys, self.shape, strict=True)]

    def _check_size(self, count: int) -> None:
        nbytes = count * self.nbytes // max(self.shape[self._axis], 1)
        if nbytes > memory.max_array_bytes:
            raise MemoryError(
                f"{nbytes / 2**30:.3g} GiB asked for at once; the limit is "
                f"{memory.max_array_bytes / 2**30:.3g} GiB (minisim_core.memory.max_array_bytes). "
                f"{self._hint}"
            )

    def _frozen(self, result: Any) -> Any:
        if isinstance(result, np.ndarray):
            result.setflags(write=False)
        return result


def _axis_key(key: Any, length: int) -> Any:
    """Turn what may index one axis into a slice, an int or an array of integers."""
    if isinstance(key, slice):
        return key
    if isinstance(key, (bool, np.bool_)):
        raise IndexError("a single True or False is no index")
    array = np.asarray(key)
    if array.dtype == bool:
        if array.shape != (length,):
            raise IndexError(f"a mask of shape {array.shape} does not fit an axis of {length}")
        return np.flatnonzero(array)
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise IndexError("only integers, slices, '...' and integer or boolean arrays are indices")
    return int(array) if array.ndim == 0 else array.astype(np.intp)


def _checked(indices: NDArray[np.intp], length: int) -> NDArray[np.intp]:
    outside = (indices < -length) | (indices >= length)
    if outside.any():
        raise IndexError(f"index {indices[outside].flat[0]} is out of range for {length} entries")
    return np.where(indices < 0, indices + length, indices)
