"""AlexNet for one grey channel and one logit, with filters learned on colour photographs where wanted."""

from __future__ import annotations

import os
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.convolution_blocks import initialize_for_relu
from monai_harmonize.networks.torchvision_import import torchvision
from monai_harmonize.networks.torchvision_weights import grey_filters, state_of_weights

__all__ = ["AlexNet"]

HIDDEN = 4096
# The layer that gives the logits.
LAST = "classifier.6."


class AlexNet(nn.Module):
    """torchvision's AlexNet as a classifier of grey images (Krizhevsky et al. 2012; the layers of Krizhevsky 2014).

    The first layer has one filter per output for the grey level and one for a plane of ones. With them the weights of
    torchvision give the same features as the image repeated in red, green and blue and standardized, up to the border,
    where torchvision pads the standardized image with zeros.

    Args:
        out_channels: logits per image; one means two classes, told apart by its sigmoid.
        weights: ``None`` for random ones, the name of weights of torchvision (``"IMAGENET1K_V1"``, downloaded and
            cached), or a file with the state dict of a torchvision AlexNet. The last layer is always new.
        hidden_features: width of the two hidden layers; with another width than 4096 they are new, too.
        dropout: of the input of each hidden layer.

    Raises:
        InputError: an option outside the above; weights that are absent, damaged or of another network.
    """

    def __init__(
        self,
        out_channels: int = 1,
        weights: str | os.PathLike[str] | None = None,
        hidden_features: int = HIDDEN,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if out_channels < 1 or hidden_features < 1 or not 0 <= dropout < 1:
            raise InputError(
                f"out_channels, hidden_features and dropout are {out_channels}, {hidden_features} and {dropout:g}; "
                "expected at least 1, at least 1 and 0 <= dropout < 1."
            )
        with torch.device("meta"):
            original = torchvision.models.alexnet(dropout=dropout)
        self.features = original.features
        self.avgpool = original.avgpool
        self.classifier = original.classifier
        first = self.features[0]
        self.features[0] = nn.Conv2d(2, first.out_channels, first.kernel_size, first.stride, first.padding)
        self.classifier[1] = nn.Linear(self.classifier[1].in_features, hidden_features)
        self.classifier[4] = nn.Linear(hidden_features, hidden_features)
        self.classifier[-1] = nn.Linear(hidden_features, out_channels)
        self.to_empty(device=torch.empty(0).device)
        self.reset_parameters()
        if weights is not None:
            self.take_over(state_of_weights("alexnet", weights, free=(LAST,)))

    def reset_parameters(self) -> None:
        """Draw random weights that keep the scale of the signal from layer to layer (He et al. 2015, eq. 10)."""
        self.apply(initialize_for_relu)
        # The plane of ones is there for weights of colour images.
        nn.init.zeros_(self.features[0].weight[:, 1])
        nn.init.normal_(self.classifier[-1].weight, std=0.01)

    def take_over(self, state: Mapping[str, Tensor]) -> None:
        """Copy the weights of a torchvision AlexNet into every layer that has the same width, except the last.

        Args:
            state: its state dict, with filters of three colours.
        """
        first = "features.0.weight"
        own = self.state_dict()
        taken = {
            name: value
            for name, value in state.items()
            if not name.startswith(LAST) and name != first and value.shape == own[name].shape
        }
        self.load_state_dict({**own, **taken, first: grey_filters(state[first])})

    def forward(self, image: Tensor) -> Tensor:
        """Logits of images.

        Args:
            image: ``(B, 1, W, H)`` in [-1, 1], both sides at least 64 pixels.

        Returns:
            ``(B, out_channels)``.
        """
        features = self.features(torch.cat([image, torch.ones_like(image)], dim=1))
        return torch.as_tensor(self.classifier(torch.flatten(self.avgpool(features), 1)))
