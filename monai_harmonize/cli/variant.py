"""Which of a bundle's possible results one is, in short."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from monai_harmonize.engines.bundle import Bundle, read_config

__all__ = ["variant_of"]


def variant_of(bundle: Bundle, overlays: Sequence[str], options: Mapping[str, Any], noted: Collection[str]) -> str:
    """Digest of the options and the user's overlays that make results differ from the bundle's own; or nothing.

    Args:
        bundle: the method.
        overlays: configurations after its ``inference``.
        options: those that change pixels; what agrees with the configurations does not count.
        noted: overlays that version and weights imply.
    """
    contents = [read_config(bundle.config(name)) for name in ("inference", *overlays)]
    own = {name: value for content in contents for name, value in content.items()}
    other = {name: value for name, value in options.items() if value != own.get(name)}
    files = [bundle.config(name) for name in overlays if name not in noted]
    if not other and not files:
        return ""
    read = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    return hashlib.sha256(json.dumps([other, read], sort_keys=True).encode()).hexdigest()[:16]
