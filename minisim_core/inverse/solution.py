"""Cells, their time courses and the motion: what an analysis found, or what is true."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..export import EXTRAS
from ..lazy import LazyArray
from ..parameters import ParameterError

if TYPE_CHECKING:
    from scipy import sparse

FloatArray = NDArray[np.floating]
Courses = FloatArray | LazyArray

NAMES = ("A", "C", "spikes", "shifts_px")
"""What a file may hold; `A` also in the parts of a sparse matrix."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Cells, their time courses and the motion, checked.

    Parameters
    ----------
    shape_px : (H, W)
        Rows and columns of the field.
    footprints : (H * W, K) scipy.sparse.csc_array of float32
        One cell a column, pixels row by row, none negative.
    traces : (K, T) array or None
        Fluorescence, in any unit.
    spikes : (K, T) array or None
        Spikes or an estimate of their rate, in any unit.
    shifts_px : (T, 2) float64 or None
        Where the tissue went in each frame, (y, x).
    """

    shape_px: tuple[int, int]
    footprints: sparse.csc_array
    traces: Courses | None = None
    spikes: Courses | None = None
    shifts_px: FloatArray | None = None

    def __len__(self) -> int:
        return int(self.footprints.shape[1])


def solution(
    A: Any, shape_px: tuple[int, int], *, C: Any = None, spikes: Any = None, shifts_px: Any = None
) -> Solution:
    """Check arrays and put them into one form.

    Parameters
    ----------
    A : (K, H, W) array, (H * W, K) or (K, H * W) scipy sparse, or sequence of (y0, x0, patch)
        Footprints. Flat pixels run row by row; negative weights count as 0.
    shape_px : (H, W)
        Rows and columns of the field.
    C, spikes : (K, T) array, optional
        Traces and spikes of the cells, in any unit.
    shifts_px : (T, 2) array, optional
        Where the tissue went in each frame, (y, x).

    Returns
    -------
    Solution

    Raises
    ------
    ParameterError
        If the shapes do not fit each other or a number is not finite.
    """
    height, width = shape_px
    footprints = _columns(A, (int(height), int(width)))
    courses = {
        name: None if values is None else _courses(name, values, footprints.shape[1])
        for name, values in (("C", C), ("spikes", spikes))
    }
    shifts = None if shifts_px is None else _shifts(shifts_px)
    lengths = {name: course.shape[1] for name, course in courses.items() if course is not None}
    if shifts is not None:
        lengths["shifts_px"] = len(shifts)
    if len(set(lengths.values())) > 1:
        counted = ", ".join(f"{name} {count}" for name, count in lengths.items())
        raise ParameterError(f"the numbers of frames differ: {counted}")
    return Solution((int(height), int(width)), footprints, courses["C"], courses["spikes"], shifts)


def load(path: str | os.PathLike[str], shape_px: tuple[int, int]) -> Solution:
    """Read a solution from an .npz file.

    Parameters
    ----------
    path : path
        Holds `A`, and if there are any `C`, `spikes` and `shifts_px`, as `solution` takes them. A
        sparse `A` is held in its parts, named as `scipy.sparse.save_npz` names them after `A_`. What
        only a file of the truth holds (`minisim_core.export`) is passed over.
    shape_px : (H, W)
        Rows and columns of the field.

    Returns
    -------
    Solution

    Raises
    ------
    ParameterError
        If the file cannot be read, has no footprints, or holds something unknown or unfit.
    """
    held = _arrays(path)
    parts = {name.removeprefix("A_"): held.pop(name) for name in list(held) if name.startswith("A_")}
    unknown = sorted(held.keys() - set(NAMES) - EXTRAS)
    if unknown:
        raise ParameterError(
            f"{os.fspath(path)} holds {', '.join(unknown)}; known are {', '.join(NAMES)} and the parts of a "
            "sparse A (A_data, A_indices, A_indptr, A_shape, A_format)"
        )
    if ("A" in held) == bool(parts):
        what = "both A and parts of a sparse A" if parts else "no footprints"
        raise ParameterError(
            f"{os.fspath(path)} holds {what}: one A, of shape (K, H, W) or sparse, is needed"
        )
    A = _assembled(parts) if parts else held.pop("A")
    return solution(A, shape_px, **{name: held[name] for name in NAMES[1:] if name in held})


def _arrays(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    try:
        with open(path, "rb") as stream:
            file = np.load(stream, allow_pickle=False)
            return {name: file[name] for name in file.files}
    except OSError as error:
        reason = error.strerror or "it is torn"
    except (ValueError, EOFError, AttributeError, zipfile.BadZipFile, zlib.error):
        reason = "it is no .npz of numbers"
    raise ParameterError(f"{os.fspath(path)} cannot be read: {reason}")


def _assembled(parts: Mapping[str, NDArray[Any]]) -> Any:
    from scipy import sparse

    buffer = io.BytesIO()
    np.savez(buffer, **parts)  # type: ignore[arg-type]
    buffer.seek(0)
    try:
        return sparse.load_npz(buffer)
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        named = ", ".join(f"A_{name}" for name in sorted(parts))
        raise ParameterError(
            f"{named} make no sparse matrix ({str(error).strip(chr(39))}): save the parts that "
            "scipy.sparse.save_npz writes, with A_ before each name"
        ) from None


def _columns(A: Any, shape_px: tuple[int, int]) -> sparse.csc_array:
    """Footprints as the columns of a sparse matrix; nothing below 0 is left."""
    from scipy import sparse

    height, width = shape_px
    if sparse.issparse(A):
        columns = _of_sparse(A, shape_px)
    elif isinstance(A, np.ndarray) or not _are_patches(A):
        stack = np.asarray(A)
        if stack.ndim != 3 or stack.shape[1:] != shape_px:
            raise ParameterError(
                f"A of shape {stack.shape} is refused: it must be (cells, {height}, {width}), or sparse of "
                f"shape ({height * width}, cells)"
            )
        _check_finite("A", stack)
        flat = stack.reshape(len(stack), height * width)
        columns = sparse.csc_array(np.maximum(flat, 0).astype(np.float32).T)
    else:
        columns = _of_patches(A, shape_px)
    _check_finite("A", columns.data)
    columns.data[columns.data < 0] = 0
    columns.eliminate_zeros()
    return columns


def _of_sparse(A: Any, shape_px: tuple[int, int]) -> sparse.csc_array:
    from scipy import sparse

    pixels = shape_px[0] * shape_px[1]
    if A.ndim != 2 or pixels not in A.shape:
        raise ParameterError(
            f"A of shape {A.shape} is refused: one side must be the {pixels} pixels of a field of "
            f"{shape_px[0]} × {shape_px[1]}"
        )
    upright = A if A.shape[0] == pixels else A.T
    columns = sparse.csc_array(upright, dtype=np.float32, copy=True)
    columns.sum_duplicates()
    return columns


def _are_patches(A: Any) -> bool:
    """Whether the entries are a first row, a first column and a patch; judged by the first one."""
    try:
        first = next(iter(A), None)
        return first is None or (len(first) == 3 and np.ndim(first[0]) == 0 and np.ndim(first[2]) == 2)
    except TypeError:
        return False


def _of_patches(A: Any, shape_px: tuple[int, int]) -> sparse.csc_array:
    from scipy import sparse

    height, width = shape_px
    rows, values, starts = [np.zeros(0, dtype=np.intp)], [np.zeros(0, dtype=np.float32)], [0]
    for i, (y0, x0, patch) in enumerate(A):
        if not (0 <= y0 and y0 + patch.shape[0] <= height and 0 <= x0 and x0 + patch.shape[1] <= width):
            raise ParameterError(
                f"A is refused: the patch of cell {i} leaves the field of {height} × {width}"
            )
        y, x = np.nonzero(patch)
        rows.append((y + y0) * width + x + x0)
        values.append(np.asarray(patch)[y, x].astype(np.float32))
        starts.append(starts[-1] + len(y))
    flat = (np.concatenate(values), np.concatenate(rows), starts)
    return sparse.csc_array(flat, shape=(height * width, len(starts) - 1))


def _courses(name: str, values: Any, cells: int) -> FloatArray:
    courses = _numbers(name, values)
    if courses.ndim != 2 or len(courses) != cells:
        raise ParameterError(
            f"{name} of shape {courses.shape} is refused: A holds {cells} cells, so it must be "
            f"({cells}, frames)"
        )
    return courses


def _shifts(values: Any) -> FloatArray:
    shifts = _numbers("shifts_px", values)
    if shifts.ndim != 2 or shifts.shape[1] != 2:
        raise ParameterError(f"shifts_px of shape {shifts.shape} is refused: it must be (frames, 2), y and x")
    return shifts


def _numbers(name: str, values: Any) -> FloatArray:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ParameterError(f"{name} is refused: it must be an array of numbers") from None
    _check_finite(name, array)
    return array


def _check_finite(name: str, array: NDArray[Any]) -> None:
    if not np.issubdtype(array.dtype, np.number) and array.dtype != bool:
        raise ParameterError(f"{name} of type {array.dtype} is refused: it must hold real numbers")
    if np.iscomplexobj(array):
        raise ParameterError(f"{name} of type {array.dtype} is refused: it must hold real numbers")
    bad = int(array.size - np.isfinite(array).sum())
    if bad:
        raise ParameterError(f"{name} is refused: {bad} of its {array.size} numbers are not finite")
