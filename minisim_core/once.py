"""Properties that are computed once, without one instance waiting for another."""

from __future__ import annotations

import functools
from typing import Any, TypeVar

T = TypeVar("T")


class cached_property(functools.cached_property[T]):  # noqa: N801 it stands where its parent would
    """Like `functools.cached_property`, but without a lock.

    Until Python 3.12 that holds one lock for all instances of a class, so a long stage of one recording
    would hold up every other. Here two threads may both compute a value, from stages that run once; the
    first value stays.
    """

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        """Return the value, which from then on is an attribute of the instance."""
        if instance is None or self.attrname is None:
            return self
        return instance.__dict__.setdefault(self.attrname, self.func(instance))
