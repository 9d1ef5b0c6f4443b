"""What is exactly known about a recording, in one .npz file.

N cells, T frames, H × W pixels; index i is one cell throughout. ``score`` reads the file as a perfect
analysis: `A_…`, `C`, `spikes` and `shifts_px` are what it compares.

===========================================  ==========================================================
``A_data A_indices A_indptr A_shape A_format`` footprints as imaged, parts of a sparse (H · W, N) matrix
``C``                                        fluorescence F/F_rest with bleaching, exposure means, (N, T)
``spikes``                                   spikes in each frame's period, (N, T)
``shifts_px``, ``motion_um``                 where the tissue went, mean over the exposure, (T, 2) y, x
``positions_um``, ``centroids_px``           cell centres z, y, x (N, 3); where they are imaged (N, 2) y, x
``in_field near_focus detectable``           which cells rest in the field, in focus, above the noise, (N,)
``snr``, ``rest_light_e``                    one-frame SNR; light at rest, photoelectrons, (N,)
``spike_cell``, ``spike_time_s``             every spike, (M,)
``times_s exposure_index focus_um``          when each frame began; its exposure's number; focus, (T,)
``motion_path_um``, ``motion_path_time_s``   the path of the brain, 400 points a second, (P, 2) and (P,)
``illumination vignetting stray_light_e``    excitation and collection, relative; photoelectrons, (H, W)
``focal_surface_um vessel_mask``             depth in best focus; where vessels lie, (H, W)
``vessel_transmission_ex``, ``…_em``         share of light that the vessels let in and out, (H, W)
``pixel_um``                                 width of a pixel in the tissue
===========================================  ==========================================================
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ..footprints import Footprints
    from ..recording import Recording

_CELLS = ("positions_um", "centroids_px", "in_field", "near_focus", "detectable", "snr", "rest_light_e")
_TIMES = (
    "spike_cell", "spike_time_s", "exposure_index", "focus_um", "motion_um", "motion_path_um",
    "motion_path_time_s",
)  # fmt: skip
_FIELDS = (
    "illumination", "vignetting", "stray_light_e", "focal_surface_um", "vessel_mask",
    "vessel_transmission_ex", "vessel_transmission_em",
)  # fmt: skip

EXTRAS = frozenset({*_CELLS, *_TIMES, *_FIELDS, "times_s", "pixel_um"})
"""What the file holds besides what an analysis finds."""

_FRAMES = 512
_SAMPLE = 32
_PACKED_BYTES = {"footprint": 5.5, "courses": 4.2}  # a pixel of a cell; a cell in a frame: as measured
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)  # equal recordings make equal files


def nbytes(recording: Recording) -> int:
    """Return about how large the file is.

    Parameters
    ----------
    recording : Recording

    Returns
    -------
    int
        From a few cells' footprints and the numbers of cells, frames and pixels.
    """
    cells = len(recording.truth.positions_um)
    count, height, width = recording.shape
    some = np.linspace(0, cells - 1, min(cells, _SAMPLE)).astype(int)
    patches = [recording.truth.footprints[int(i)][2] for i in some]
    pixels = float(np.mean([np.count_nonzero(patch) for patch in patches])) if cells else 0.0
    packed = cells * (_PACKED_BYTES["footprint"] * pixels + _PACKED_BYTES["courses"] * count + 60)
    return int(packed + 40 * count + 24 * 400 * recording.experiment.duration_s + 20 * height * width)


def write(recording: Recording, path: Path, progress: Callable[[float], None]) -> None:
    """Write the file, the time courses a block of frames at a time.

    Parameters
    ----------
    recording : Recording
    path : Path
    progress : callable
        Told the share that is written.
    """
    known = recording.truth
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for n, (name, array) in enumerate(small := list(_small(recording))):
            _put(archive, name, array)
            progress(0.3 * (n + 1) / len(small))
        _put_columns(archive, known.footprints, recording.shape[1:])
        progress(0.5)
        for n, (name, courses) in enumerate((("C", known.fluorescence), ("spikes", known.spikes))):
            for share in _put_courses(archive, name, courses):
                progress(0.5 + 0.25 * (n + share))


def _small(recording: Recording) -> Iterator[tuple[str, NDArray[Any]]]:
    yield "pixel_um", np.array(recording.pixel_um)
    yield "times_s", recording.times_s
    yield "shifts_px", recording.truth.motion_um / recording.pixel_um
    for name in (*_CELLS, *_TIMES, *_FIELDS):
        yield name, getattr(recording.truth, name)


def _entry(archive: zipfile.ZipFile, name: str, kind: int = zipfile.ZIP_DEFLATED) -> Any:
    about = zipfile.ZipInfo(f"{name}.npy", _FIXED_DATE)
    about.compress_type = kind
    return archive.open(about, "w", force_zip64=True)


def _put(archive: zipfile.ZipFile, name: str, array: NDArray[Any]) -> None:
    with _entry(archive, name) as stream:
        np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)


def _put_courses(archive: zipfile.ZipFile, name: str, courses: Any) -> Iterator[float]:
    """Write (N, T) frame by frame, as NumPy stores an array in Fortran order; yield the share written."""
    with _entry(archive, name) as stream:
        _header(stream, courses.dtype, courses.shape, fortran=True)
        count = courses.shape[1]
        for start in range(0, count, _FRAMES):
            stream.write(np.ascontiguousarray(courses[:, start : start + _FRAMES].T).tobytes())
            yield min(start + _FRAMES, count) / count


def _put_columns(archive: zipfile.ZipFile, footprints: Footprints, shape_px: tuple[int, ...]) -> None:
    """Write the footprints as a sparse matrix that is never held whole, drawing each cell once."""
    height, width = shape_px
    starts = [0]
    beside = Path(str(archive.filename)).parent
    with TemporaryFile(dir=beside) as values, TemporaryFile(dir=beside) as pixels:
        for y0, x0, patch in footprints:
            y, x = np.nonzero(patch)
            values.write(patch[y, x].astype(np.float32).tobytes())
            pixels.write(((y + y0) * width + x + x0).astype(np.int32).tobytes())
            starts.append(starts[-1] + len(y))
        # the weights are all but random: packing them takes seconds and saves a tenth
        for name, file, dtype, kind in (
            ("A_data", values, np.float32, zipfile.ZIP_STORED),
            ("A_indices", pixels, np.int32, zipfile.ZIP_DEFLATED),
        ):
            file.seek(0)
            with _entry(archive, name, kind) as stream:
                _header(stream, np.dtype(dtype), (starts[-1],))
                shutil.copyfileobj(file, stream)
    _put(archive, "A_indptr", np.array(starts, dtype=np.int64))
    _put(archive, "A_shape", np.array([height * width, len(starts) - 1]))
    _put(archive, "A_format", np.array(b"csc"))


def _header(stream: Any, dtype: np.dtype[Any], shape: tuple[int, ...], fortran: bool = False) -> None:
    about = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": fortran, "shape": shape}
    np.lib.format.write_array_header_2_0(stream, about)
