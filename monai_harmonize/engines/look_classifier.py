"""A classifier that tells looks of images apart, for ``conditional_inception_score``: it has to know the looks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from monai.networks.nets import DenseNet
from monai.transforms import CenterSpatialCrop
from monai.utils import set_determinism
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.weights import save_settings, save_weights, trained_settings, trained_weights
from monai_harmonize.networks.inception_classifier import InceptionClassifier
from monai_harmonize.networks.weights_digest import state_of_file

__all__ = ["accuracy", "fit_inception_classifier", "fit_look_classifier", "look_classifier"]

# A look shows in grey levels and texture, which a part of a slice has, too.
CROP = 64
SLICES_AT_ONCE = 16
# Below it nothing is left in the last layers of the small network.
SMALLEST = 16
# Width and height of what a classifier sees of a slice, among the settings beside its weights.
FIELD = "field"


def look_network(looks: int) -> DenseNet:
    """A small DenseNet from slices ``(B, 1, W, H)`` in [-1, 1] to ``(B, looks)`` logits."""
    return DenseNet(2, 1, looks, init_features=16, growth_rate=8, block_config=(2, 2, 2))


class MiddleClassifier(nn.Module):
    """A classifier that sees the middles of slices.

    A scanner that shows more of the air and the table around a patient, or of whose images others framed the smaller
    ones, would be told by that; so all slices are cut to what the smallest one shows, and nothing is ever padded.

    Args:
        network: from slices ``(B, 1, W, H)`` to ``(B, looks)``.
        field: width and height.
    """

    def __init__(self, network: nn.Module, field: Sequence[int]) -> None:
        super().__init__()
        self.network = network
        self.field = tuple(field)

    def forward(self, slices: Tensor) -> Tensor:
        """Logits of slices ``(B, 1, W, H)``."""
        return torch.as_tensor(self.network(middle(slices, self.field)))


def fit_look_classifier(
    looks: Sequence[Sequence[Tensor]], path: str | os.PathLike[str], *, steps: int = 150, seed: int = 0
) -> Path:
    """Train a small DenseNet on parts of slices and save it.

    Args:
        looks: volumes of each look, of any number: slices ``(N, 1, W, H)`` in [-1, 1], of any number and size.
        path: of the weights.
        steps: of the optimizer, each with as many slices of every look.
        seed: of weights and draws.

    Returns:
        The path.

    Raises:
        InputError: fewer than two looks, one without a slice, or a slice of fewer than 16 pixels along a side.
    """
    alike, field = with_one_field(looks)
    set_determinism(seed)
    network = look_network(len(alike)).train()
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for _ in range(steps):
        parts = [random_parts(slices, max(SLICES_AT_ONCE // len(alike), 1)) for slices in alike]
        logits = network(torch.cat(parts))
        truth = torch.arange(len(alike)).repeat_interleave(len(parts[0]))
        loss = cross_entropy(logits, truth)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        scheduler.step()
    save_settings(path, {FIELD: field})
    return save_weights(network, path)


def with_one_field(looks: Sequence[Sequence[Tensor]]) -> tuple[list[Tensor], list[int]]:
    """Slices ``(N, 1, W, H)`` of each look, all cut to the width and height that every one has, and these two."""
    counts = [sum(map(len, volumes)) for volumes in looks]
    if len(counts) < 2 or not all(counts):
        raise InputError(f"slices of each look: {counts}; expected at least two looks with a slice each.")
    field = [min(volume.shape[axis] for volumes in looks for volume in volumes) for axis in (2, 3)]
    return [torch.cat([middle(volume, field) for volume in volumes]) for volumes in looks], field


def middle(slices: Tensor, field: Sequence[int]) -> Tensor:
    """Middles of slices ``(N, 1, W, H)``: of the width and height of the field, or as large as they are."""
    if min(slices.shape[2:]) < SMALLEST:
        raise InputError(
            f"a slice has {slices.shape[2]} x {slices.shape[3]} pixels; to tell looks apart, expected {SMALLEST} along "
            "each side. Give the segmentation a smaller spacing, or leave out the volume."
        )
    return torch.as_tensor(CenterSpatialCrop((-1, *field))(slices)).as_subclass(Tensor)


def random_parts(slices: Tensor, count: int) -> Tensor:
    """Parts of slices at random places, mirrored at random: ``(count, 1, CROP, CROP)`` or as large as the slices."""
    chosen = slices[torch.randint(len(slices), (count,))]
    for axis in (2, 3):
        length = min(CROP, chosen.shape[axis])
        chosen = chosen.narrow(axis, int(torch.randint(chosen.shape[axis] - length + 1, ())), length)
        chosen = chosen.flip(axis) if torch.rand(()) < 0.5 else chosen
    return chosen


def fit_inception_classifier(
    looks: Sequence[Sequence[Tensor]], path: str | os.PathLike[str], weights: str | os.PathLike[str]
) -> Path:
    """Give torchvision's Inception-v3 a last layer for the looks, by logistic regression, and save the network.

    Args:
        looks: see ``fit_look_classifier``.
        path: of the new weights.
        weights: of the network, see ``InceptionClassifier``.

    Returns:
        The path.

    Raises:
        InputError: see ``fit_look_classifier``, or weights that do not fit.
    """
    alike, field = with_one_field(looks)
    classifier = InceptionClassifier(weights)
    network = classifier.network
    last = network.fc
    network.fc = nn.Identity()
    features = torch.cat([logits_of(classifier, slices) for slices in alike])
    truth = torch.arange(len(looks)).repeat_interleave(torch.tensor([len(slices) for slices in alike]))
    # Of one scale each, which the layer then undoes; a feature that never varies tells nothing.
    mean, deviation = features.mean(0), features.std(0)
    scale = torch.where(deviation > 0, 1 / deviation, 0.0)
    found = LogisticRegression(max_iter=2000).fit(((features - mean) * scale).numpy(), truth.numpy())
    weight = torch.as_tensor(found.coef_).float() * scale
    bias = torch.as_tensor(found.intercept_).float() - weight @ mean
    if len(looks) == 2:  # one row, for the second look
        weight, bias = torch.cat([torch.zeros_like(weight), weight]), torch.cat([torch.zeros_like(bias), bias])
    network.fc = nn.Linear(last.in_features, len(looks))
    network.fc.load_state_dict({"weight": weight, "bias": bias})
    save_settings(path, {FIELD: field})
    return save_weights(network, path)


def look_classifier(path: str | os.PathLike[str], looks: int) -> nn.Module:
    """Read either classifier, ready for use.

    Args:
        path: of its weights.
        looks: that it knows.

    Raises:
        InputError: there are no such weights, or they are another network's.
    """
    if Path(path).is_file() and "fc.weight" in state_of_file(path):
        network: nn.Module = InceptionClassifier(path)
    else:
        network = look_network(looks)
        trained_weights(path, network)
    field = trained_settings(path).get(FIELD)
    return (network if field is None else MiddleClassifier(network, field)).eval()


@torch.no_grad()
def logits_of(network: nn.Module, slices: Tensor) -> Tensor:
    """Logits of slices ``(N, 1, W, H)``, a few at a time."""
    return torch.cat([network(part) for part in torch.split(slices, SLICES_AT_ONCE)])


def accuracy(network: nn.Module, looks: Mapping[str, Sequence[Tensor]]) -> dict[str, float]:
    """Share of the slices of each look that are told rightly; the looks in the order of the classes.

    Args:
        network: of ``look_classifier``.
        looks: volumes of each look, see ``fit_look_classifier``.
    """
    shares = {}
    for number, (name, volumes) in enumerate(looks.items()):
        found = torch.cat([logits_of(network, volume).argmax(1) for volume in volumes])
        shares[name] = float((found == number).float().mean())
    return shares
