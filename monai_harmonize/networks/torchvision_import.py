"""torchvision beside any build of PyTorch; the one place of the package that imports it."""

from __future__ import annotations

import torch

__all__ = ["torchvision"]

# What a build of torchvision for another PyTorch cannot load; its models and transforms use neither.
SCHEMAS = dict.fromkeys(("nms", "qnms"), "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


def declare_operators() -> None:
    """Declare the operators whose absence stops the import of torchvision, where they are missing.

    torchvision's wheel is built for PyTorch with CUDA. Beside a CPU-only PyTorch its compiled operators do not load,
    and it stops at describing them. They are declared only after that: where they load, a second declaration would
    clash with theirs.
    """
    for name, schema in SCHEMAS.items():
        if not hasattr(torch.ops.torchvision, name):
            torch.library.define(f"torchvision::{name}", schema)


try:
    import torchvision
except RuntimeError:  # operator torchvision::nms does not exist
    declare_operators()
    import torchvision

# What torchvision.models does not import by itself.
import torchvision.models.feature_extraction  # noqa: E402 - the attempt above comes first
