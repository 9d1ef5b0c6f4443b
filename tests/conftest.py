"""Small scenes that render in milliseconds, and a way to ask a fresh process."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import minisim_core as ms

settings.register_profile(
    "quick",
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile("deep", settings.get_profile("quick"), max_examples=500, derandomize=False)
settings.load_profile("quick")

ROOT = Path(ms.__file__).parents[1]


def _small(**changes: Any) -> ms.Experiment:
    return ms.presets.get("guide", **({"field_um": 80, "duration_s": 1} | changes))


def _python(code: str, *arguments: str, cwd: Path | None = None, **environment: str) -> str:
    """Run code in a fresh process that warns once and fails loudly; return what it printed."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTHONWARN")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *arguments],
        env={**inherited, "PYTHONPATH": str(ROOT), **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="session")
def small() -> Callable[..., ms.Experiment]:
    """The guide's scene on 80 µm for one second, with changes."""
    return _small


@pytest.fixture(scope="session")
def python() -> Callable[..., str]:
    """A function that runs code in a fresh process and returns its output."""
    return _python


@pytest.fixture
def fresh_store() -> Iterator[None]:
    """An empty store before and after, and its limits as they were."""
    limits = ms.memory.max_bytes, ms.memory.max_array_bytes
    ms.memory.clear()
    yield
    ms.memory.max_bytes, ms.memory.max_array_bytes = limits
    ms.memory.clear()
