"""LPIPS, the learned perceptual distance of two images, with a backbone that comes from a file.

Source: Zhang et al. 2018, "The unreasonable effectiveness of deep features as a perceptual metric" (arXiv 1801.03924);
the ``lpips`` package brings how much each channel of a backbone counts, learned from human judgement of photographs.

MONAI's ``PerceptualLoss`` wraps the same package. It cannot read the backbone from a file, downloads it even where it
is asked for no trained weights, and gives the mean of a batch instead of a score per image.

Which two images are compared decides on what the distance says. Of an output and its input it is how much was changed,
lower is better; of two outputs of one input it is diversity, higher is more diverse (Huang et al. 2018, section 5.2).
Xu et al. 2020 (HCIS 10:46, table 1) mean the former where they name their metrics, and the latter
in a sentence on the table. Either way the judgement was learned on photographs, not on tissue.
"""

from __future__ import annotations

import logging
import os
import warnings

import torch
from monai.metrics import CumulativeIterationMetric
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.pair_check import check_pair
from monai_harmonize.networks.torchvision_weights import state_of_weights

# After torchvision, which it imports without what lets it load beside any PyTorch.
import lpips  # isort: skip

__all__ = ["LPIPSMetric", "PerceptualDistance"]

logger = logging.getLogger(__name__)

# Networks of torchvision whose features are the backbones.
BACKBONES = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}
# The smallest side for which every backbone has its last feature map.
SMALLEST = 32
SLICES_AT_ONCE = 16


class PerceptualDistance(nn.Module):
    """LPIPS of pairs of grey images, version 0.1; its weights are frozen, gradients reach the images.

    Args:
        backbone: ``alex`` (the one to report), ``vgg`` or ``squeeze``; numbers of different backbones do not compare.
        weights: of the backbone: a file with the state dict of torchvision's AlexNet, VGG16 or SqueezeNet 1.1, with or
            without its classifier, or the name of weights of torchvision (``"IMAGENET1K_V1"``, downloaded and cached).
        random_backbone: draw the weights of the backbone instead, always the same ones. Such a distance is no LPIPS,
            compares with no published number, and serves to try out a pipeline; ``name`` says so.

    Attributes:
        name: what results are to be called, for example ``lpips_alex`` or ``lpips_alex_random_backbone``.

    Raises:
        InputError: an unknown backbone; neither weights nor ``random_backbone``, or both; weights that are absent,
            damaged or of another network.
    """

    def __init__(
        self,
        backbone: str = "alex",
        weights: str | os.PathLike[str] | None = None,
        random_backbone: bool = False,
    ) -> None:
        super().__init__()
        if backbone not in BACKBONES:
            raise InputError(f"backbone {backbone!r} is not known; expected one of {', '.join(BACKBONES)}.")
        if (weights is None) != random_backbone:
            raise InputError(
                f"weights is {weights} and random_backbone {random_backbone}; give the weights of torchvision's "
                f"{BACKBONES[backbone]} (a file, or 'IMAGENET1K_V1' to download them), or random_backbone=True for "
                "numbers that only try out a pipeline."
            )
        self.name = f"lpips_{backbone}" + ("_random_backbone" if random_backbone else "")
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            torch.manual_seed(0)
            # Of torchvision, about the way in which the package asks for it.
            warnings.simplefilter("ignore", UserWarning)
            self.network = lpips.LPIPS(net=backbone, pnet_rand=True, verbose=False)
        if weights is None:
            logger.warning("%s: its backbone is random, so its numbers are no LPIPS.", self.name)
        else:
            state = state_of_weights(BACKBONES[backbone], weights, free=("classifier.",))
            # The package cuts the features into slices and keeps their numbers: slice2.3.bias is features.3.bias.
            names = {name: f"features.{name.partition('.')[2]}" for name in self.network.net.state_dict()}
            self.network.net.load_state_dict({name: state[original] for name, original in names.items()})
        self.requires_grad_(False)
        self.eval()

    def forward(self, image: Tensor, reference: Tensor) -> Tensor:
        """Distance of each pair.

        Args:
            image: ``(B, 1, W, H)`` in [-1, 1], both sides at least 32 pixels, or a volume ``(B, 1, W, H, D)``, whose
                distance is the mean over its slices along the last axis.
            reference: same shape and range.

        Returns:
            ``(B,)``: 0 for equal images.

        Raises:
            InputError: shapes differ or do not fit, or a grey level is not in [-1, 1].
        """
        check_pair(image, reference)
        if min(image.shape[2:4]) < SMALLEST:
            raise InputError(
                f"images of {image.shape[2]}x{image.shape[3]} pixels; expected at least {SMALLEST} a side."
            )
        pairs = (torch.split(as_slices(levels), SLICES_AT_ONCE) for levels in (image, reference))
        distances = torch.cat([self.network(first, second).flatten() for first, second in zip(*pairs, strict=True)])
        return distances.reshape(len(image), -1).mean(dim=1)


def as_slices(images: Tensor) -> Tensor:
    """Slices of ``(B, 1, W, H[, D])`` along the last axis, repeated in three colours: ``(B * D, 3, W, H)``."""
    plain = images.as_subclass(Tensor).float()
    slices = plain if plain.ndim == 4 else plain.movedim(-1, 1).flatten(0, 1)
    return slices.expand(-1, 3, -1, -1)


class LPIPSMetric(CumulativeIterationMetric):
    """``PerceptualDistance`` of each pair of an evaluator, and the mean over all pairs.

    For MONAI evaluators through ``monai.handlers.IgniteMetricHandler``. Called with two tensors ``(B, 1, W, H[, D])``
    in [-1, 1], or lists of them without ``B``; ``get_buffer`` gives the distance of each pair, ``(N, 1)``.

    Args:
        distance: on the device of the images; its ``name`` is the metric's, too.
    """

    def __init__(self, distance: PerceptualDistance) -> None:
        self.distance = distance
        super().__init__()

    def __str__(self) -> str:
        return self.distance.name

    @torch.no_grad()
    def _compute_tensor(self, y_pred: Tensor, y: Tensor) -> Tensor:
        return torch.as_tensor(self.distance(y_pred, y))[:, None]

    def aggregate(self) -> Tensor:
        """Mean over all pairs, a scalar.

        Raises:
            ValueError: no pair was given since the last reset.
        """
        distances = self.get_buffer()
        if distances is None:
            raise ValueError("no pair was given since the last reset, so there is no distance")
        return torch.as_tensor(distances).mean()
