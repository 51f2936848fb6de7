"""Where a configuration names components of certain classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["components"]


def components(config: Any, *names: str, place: str = "") -> Iterator[str]:
    """Ids (``postprocessing#transforms#2``) of all components of some classes, at any depth.

    Args:
        config: content of a configuration, or a part of it.
        names: the last part of ``_target_``.
        place: id of the part.
    """
    if isinstance(config, dict) and str(config.get("_target_", "")).rsplit(".", 1)[-1] in names:
        yield place
    entries = config.items() if isinstance(config, dict) else enumerate(config) if isinstance(config, list) else ()
    for name, part in entries:
        yield from components(part, *names, place=f"{place}#{name}" if place else str(name))
