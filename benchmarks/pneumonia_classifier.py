"""The classifier whose fate under shifts of the site is measured: pneumonia against no finding, small, 128 x 128."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from monai.networks.nets import DenseNet
from monai.transforms import Compose, RandAffine, RandFlip
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from monai_harmonize.engines.weights import save_weights

logger = logging.getLogger(__name__)

EPOCHS = 60
BATCH = 16
RATE = 1e-3


def classifier() -> DenseNet:
    """Some 190 thousand weights, batch norm, one logit from ``(B, 1, 128, 128)`` in [-1, 1]."""
    return DenseNet(2, 1, 1, init_features=24, growth_rate=12, block_config=(4, 4, 6, 6), bn_size=4, dropout_prob=0.1)


def augmentation(seed: int) -> Compose:
    """Light and geometric: nothing that would teach the network about grey levels or sharpness."""
    affine = RandAffine(
        prob=0.9,
        rotate_range=0.12,
        translate_range=(6, 6),
        scale_range=(0.08, 0.08),
        padding_mode="border",
        cache_grid=True,
        spatial_size=(128, 128),
    )
    return Compose([RandFlip(prob=0.5, spatial_axis=0), affine]).set_random_state(seed)


@torch.inference_mode()
def scores(network: nn.Module, images: Tensor) -> NDArray[np.float64]:
    """Logits ``(N,)`` of images ``(N, 1, 128, 128)`` in [-1, 1]; levels beyond are clipped, as a writer would."""
    network.eval()
    parts = [network(part.clamp(-1.0, 1.0))[:, 0] for part in images.split(64)]
    found: NDArray[np.float64] = torch.cat(parts).double().numpy()
    return found


def trained_classifier(
    seed: int,
    train: tuple[Tensor, Sequence[int]],
    validation: tuple[Tensor, Sequence[int]],
    file: Path,
) -> nn.Module:
    """Train, keep the weights of the epoch with the best validation AUC in ``file``, and load them from there."""
    network = classifier()
    if not file.exists():
        save_weights(_train(network, seed, train, validation), file)
    network.load_state_dict(torch.load(file, weights_only=True))
    return network.eval()


def _train(
    network: nn.Module, seed: int, train: tuple[Tensor, Sequence[int]], validation: tuple[Tensor, Sequence[int]]
) -> nn.Module:
    torch.manual_seed(seed)
    network.load_state_dict(classifier().state_dict())
    images, labels = train[0], torch.tensor(train[1], dtype=torch.float32)
    augment = augmentation(seed)
    steps = -(-len(images) // BATCH)
    optimizer = torch.optim.Adam(network.parameters(), RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2 * RATE, total_steps=EPOCHS * steps)
    best, kept = 0.0, network.state_dict()
    for epoch in range(EPOCHS):
        network.train()
        for chosen in torch.randperm(len(images)).tensor_split(steps):
            batch = torch.stack([torch.as_tensor(augment(images[i])).as_subclass(Tensor) for i in chosen])
            loss = binary_cross_entropy_with_logits(network(batch)[:, 0], labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        reached = float(roc_auc_score(validation[1], scores(network, validation[0])))
        logger.info("seed %d, epoch %d: loss %.3f, validation AUC %.3f", seed, epoch + 1, float(loss), reached)
        if reached >= best:
            best, kept = reached, {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(kept)
    return network
