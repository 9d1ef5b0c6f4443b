"""A forward model of one-photon Miniscope recordings, exact truth included."""

from . import layers, parameters, presets
from ._version import __version__
from .experiment import Experiment
from .layers import LAYERS
from .parameters import ModelRangeWarning, ParameterError

__all__ = [
    "LAYERS",
    "Experiment",
    "ModelRangeWarning",
    "ParameterError",
    "__version__",
    "layers",
    "parameters",
    "presets",
]
