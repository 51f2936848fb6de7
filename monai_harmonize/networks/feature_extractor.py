"""Frozen features of a grey image at several depths: VGG, ResNets and DenseNets of torchvision.

Source: Xu, Li, Shin 2020, "Medical image processing with contextual style transfer", section "Extractor
analysis", which names the networks but not their layers. Ours: the layers, the grey channel, random weights of use.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.listed import listed
from monai_harmonize.networks.calibrated_weights import draw_calibrated_weights
from monai_harmonize.networks.torchvision_import import torchvision
from monai_harmonize.networks.torchvision_weights import grey_filters, state_of_weights

__all__ = ["DEFAULT_LAYERS", "FeatureExtractor"]

# All end at an eighth of the size with 512 channels, so that networks compare and not depths.
RESNET_LAYERS = ("relu", "layer1.2", "layer2.3")
DENSENET_LAYERS = ("relu0", "transition1.relu", "transition2.relu")
DEFAULT_LAYERS = {
    "vgg19": ("relu1_1", "relu2_1", "relu3_1", "relu4_1"),
    "resnet50": RESNET_LAYERS,
    "resnet101": RESNET_LAYERS,
    "densenet121": DENSENET_LAYERS,
    "densenet169": DENSENET_LAYERS,
    "densenet201": DENSENET_LAYERS,
}
# Layers behind the features, which no weights file needs.
CLASSIFIERS = ("classifier.", "fc.")
# Divisible by every stride.
PROBE = 64

BatchNorm = torchvision.ops.FrozenBatchNorm2d


class FeatureExtractor(nn.Module):
    """Features of one of torchvision's networks, cut behind the deepest layer that is asked for.

    The first convolution sees the grey level and a plane of ones. With that the features are those of the image
    repeated in red, green and blue and standardized, at the border, too. Weights and statistics are buffers: no
    optimizer, gradient or training mode changes them, while gradients reach the image.

    ResNet50 and ResNet101, and the three DenseNets, have the same structure down to their default layers and differ
    there in their weights; ``layer3...`` and ``transition3.relu`` are the first layers where the structures differ.

    Random weights are drawn such that every channel has mean 0 and deviation 1 before its rectifier, see
    ``calibrated_weights``.

    Args:
        name: ``vgg19``, ``resnet50``, ``resnet101``, ``densenet121``, ``densenet169`` or ``densenet201``.
        layers: names of layers in any order; by default ``DEFAULT_LAYERS``.
        weights: ``None`` for random ones, the name of weights of torchvision (``"IMAGENET1K_V1"``, downloaded and
            cached), or a file with the state dict of torchvision's network, with or without its classifier.
        seed: of random weights; two extractors with the same seed are equal, whatever was drawn before.

    Attributes:
        layers: names of the layers from the shallowest to the deepest.
        channels: of each layer.
        strides: of each layer, pixels of the image per element of the features.

    Raises:
        InputError: an unknown network or layer; weights that are absent, damaged or of another network.
    """

    def __init__(
        self,
        name: str = "vgg19",
        layers: Sequence[str] | None = None,
        weights: str | os.PathLike[str] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if name not in DEFAULT_LAYERS:
            raise InputError(f"extractor {name!r} is not known; expected one of {', '.join(DEFAULT_LAYERS)}.")
        with torch.device("meta"):
            network = torchvision.models.get_model(name)
            existing = layer_nodes(network)
            wanted = set(DEFAULT_LAYERS[name] if layers is None else listed("layers", layers))
            if not wanted or wanted - existing.keys():
                raise InputError(
                    f"layers {sorted(wanted - existing.keys())} of {name}: expected at least one and only layers "
                    f"out of {', '.join(existing)}."
                )
            self.layers = [layer for layer in existing if layer in wanted]
            self.network = cut(network, {existing[layer]: layer for layer in self.layers})
            features = self.network(torch.empty(1, 2, PROBE, PROBE))
        self.channels = [int(features[layer].shape[1]) for layer in self.layers]
        self.strides = [PROBE // int(features[layer].shape[2]) for layer in self.layers]
        self.network.to_empty(device=torch.empty(0).device)
        if weights is None:
            draw_calibrated_weights(self.network, seed)
        else:
            state = state_of_weights(name, weights, free=CLASSIFIERS)
            first = next(iter(self.network.state_dict()))
            taken = {key: grey_filters(state[key]) if key == first else state[key] for key in self.network.state_dict()}
            self.network.load_state_dict(taken)
        keep_as_buffers(self.network)
        self.train(False)

    def train(self, mode: bool = True) -> FeatureExtractor:  # noqa: ARG002 - asked for by parents
        """Stay in evaluation mode, whatever the mode of the network around it."""
        return super().train(False)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Features by the names of their layers.

        Args:
            image: ``(B, 1, W, H)`` in [-1, 1].

        Returns:
            For every layer ``(B, C, W / stride, H / stride)``; VGG rounds down, the others up.

        Raises:
            InputError: another number of channels.
        """
        if image.shape[1] != 1:
            raise InputError(f"the image has {image.shape[1]} channels; expected 1 grey channel.")
        features: dict[str, Tensor] = self.network(torch.cat([image, torch.ones_like(image)], dim=1))
        return features


def layer_nodes(network: nn.Module) -> dict[str, str]:
    """Names of a network's layers with torchvision's name of each, from shallow to deep.

    Only what nothing changes in place afterwards: rectified features.
    """
    if isinstance(network, torchvision.models.ResNet):
        blocks = [f"layer{k}.{b}" for k in range(1, 5) for b, _ in network.get_submodule(f"layer{k}").named_children()]
        return {name: name for name in ("relu", *blocks)}
    if isinstance(network, torchvision.models.DenseNet):
        return {name: f"features.{name}" for name in ("relu0", *(f"transition{k}.relu" for k in (1, 2, 3)))}
    nodes = {}
    block, count = 1, 0
    for position, layer in network.get_submodule("features").named_children():
        if isinstance(layer, nn.ReLU):
            count += 1
            nodes[f"relu{block}_{count}"] = f"features.{position}"
        elif isinstance(layer, nn.MaxPool2d):
            block, count = block + 1, 0
    return nodes


def cut(network: nn.Module, nodes: dict[str, str]) -> nn.Module:
    """The part of a network that leads to some of its nodes, its first convolution for two channels.

    Args:
        network: of torchvision, without data.
        nodes: names of the results by the nodes that give them, the deepest last.
    """
    for path, layer in list(network.named_modules()):
        if isinstance(layer, nn.BatchNorm2d):
            network.set_submodule(path, BatchNorm(layer.num_features, layer.eps))
        elif isinstance(layer, nn.Conv2d) and layer.in_channels == 3:
            bias = layer.bias is not None
            first = nn.Conv2d(2, layer.out_channels, layer.kernel_size, layer.stride, layer.padding, bias=bias)  # type: ignore[arg-type]
            network.set_submodule(path, first)
    parent = network
    # Tracing takes long; nothing behind the deepest node is used.
    for part in list(nodes)[-1].split("."):
        names = [name for name, _ in parent.named_children()]
        for name in names[names.index(part) + 1 :]:
            parent.add_module(name, nn.Identity())
        parent = parent.get_submodule(part)
    part_of_network: nn.Module = torchvision.models.feature_extraction.create_feature_extractor(
        network, nodes, tracer_kwargs={"leaf_modules": [BatchNorm]}
    )
    return part_of_network


def keep_as_buffers(network: nn.Module) -> None:
    """Turn every parameter into a buffer of the same name."""
    for layer in network.modules():
        for name, value in list(layer.named_parameters(recurse=False)):
            delattr(layer, name)
            layer.register_buffer(name, value.detach())
