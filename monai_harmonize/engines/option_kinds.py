"""An option of another kind than its entry of the configuration is told as such, not by what it breaks later."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from monai.bundle.config_item import ConfigComponent

from monai_harmonize.engines.style_arguments import is_number

__all__ = ["KINDS", "Kind", "wrong_kinds"]

# First letters of values that MONAI looks up or computes.
LOOKED_UP = ("$", "@", "%")


class Kind(NamedTuple):
    """What an option takes.

    Attributes:
        expected: in words.
        fits: whether a value is of it.
    """

    expected: str
    fits: Callable[[Any], bool]


def whole_from(least: float) -> Kind:
    """Whole numbers from one on."""
    return Kind(f"a whole number of at least {least}", lambda value: type(value) is int and value >= least)


def is_finite(value: Any) -> bool:
    """Whether a value is a number that can be computed with."""
    return is_number(value) and math.isfinite(value)


def is_text(value: Any) -> bool:
    """Whether a value is text, or ``None``."""
    return value is None or isinstance(value, str)


TRUTH = Kind("True or False", lambda value: type(value) is bool)
WHOLE = Kind("a whole number", lambda value: type(value) is int)
FINITE = Kind("a number", is_finite)
LIST = Kind("a list", lambda value: isinstance(value, list | tuple))
GROUP = Kind("a group", lambda value: isinstance(value, Mapping))
COUNT, FROM_ZERO = whole_from(1), whole_from(0)
POSITIVE = Kind("a number above 0", lambda value: is_finite(value) and value > 0)
SHARE = Kind("a number from 0 to 1", lambda value: is_finite(value) and 0 <= value <= 1)
BELOW_ONE = Kind("a number of at least 0 and below 1", lambda value: is_finite(value) and 0 <= value < 1)
SEED = Kind("a whole number from 0 to 4294967295", lambda value: type(value) is int and 0 <= value < 2**32)
PATH = Kind("a path; one that looks like a number is written ./5", is_text)
DEVICE = Kind("an expression such as \"$torch.device('cpu')\"", lambda value: isinstance(value, torch.device))
CUDA = Kind("\"$torch.device('cpu')\", since PyTorch finds no CUDA device here", lambda _: False)

# By name, for entries of whose values the default tells too little. Names mean the same in every bundle.
KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(["accumulation_steps", "batch_size", "epochs", "generator_interval", "image_size"], COUNT),
    **dict.fromkeys(["analysis_size", "max_pixels", "num_styles", "patches_per_volume", "samples"], COUNT),
    **dict.fromkeys(["slices_per_volume", "steps", "templates", "val_interval"], COUNT),
    **dict.fromkeys(["continuous", "decay_from", "noise", "num_workers", "pool_size"], FROM_ZERO),
    **dict.fromkeys(["alpha", "cache_rate", "growing", "style_prob", "tone_curve_prob"], SHARE),
    **dict.fromkeys(["bundle_root", "checkpoint", "ckpt_dir", "dataset_dir", "manifest", "output_dir"], PATH),
    "device": DEVICE,
    "ema_decay": BELOW_ONE,
    "learning_rate": POSITIVE,
    "seed": SEED,
}
BY_DEFAULT: Mapping[type, Kind] = {bool: TRUTH, int: WHOLE, float: FINITE, list: LIST, dict: GROUP}


def wrong_kinds(content: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """Options whose value is of another kind than the entry that they set.

    Text is compared with nothing, since an entry that holds it may take more. Arguments of components are left to
    them, and expressions to what they are.

    Args:
        content: the configuration, overlays included.
        options: values by name, ``a``, ``a#b`` or ``a::b``, as the command line was read.

    Returns:
        A sentence for each, with what was expected.
    """
    found = []
    for name, value in options.items():
        kind = kind_of(content, name.replace("::", "#"))
        computed = isinstance(value, str) and value.startswith(LOOKED_UP)
        if name == "device" and misses_cuda(value):
            kind, computed = CUDA, False
        if kind is not None and not computed and not kind.fits(value):
            found.append(f"{name} is {value!r}; expected {kind.expected}.")
    return found


def misses_cuda(device: Any) -> bool:
    """Whether the text of a device names CUDA, regardless of there being any."""
    return "cuda" in str(device) and "is_available" not in str(device) and not torch.cuda.is_available()


def kind_of(content: Mapping[str, Any], name: str) -> Kind | None:
    """What an option takes; ``None`` where that cannot be told."""
    if name in KINDS:
        return KINDS[name]
    place: Any = content
    for part in name.split("#"):
        if not isinstance(place, Mapping) or ConfigComponent.is_instantiable(place) or part not in place:
            return None
        place = place[part]
    kind = None if ConfigComponent.is_instantiable(place) else BY_DEFAULT.get(type(place))
    return kind._replace(expected=f"{kind.expected} such as {place}") if kind in (LIST, GROUP) and place else kind
