"""AlexNet for one grey channel and one logit, with filters learned on colour photographs where wanted."""

from __future__ import annotations

import os
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.torchvision_import import torchvision
from monai_harmonize.networks.weights_digest import state_of_file

__all__ = ["AlexNet", "grey_filters"]

# Mean and standard deviation of red, green and blue in [0, 1] that torchvision's weights expect.
COLOUR_MEAN = (0.485, 0.456, 0.406)
COLOUR_DEVIATION = (0.229, 0.224, 0.225)
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
            self.take_over(state_of_weights(weights))

    def reset_parameters(self) -> None:
        """Draw random weights that keep the scale of the signal from layer to layer (He et al. 2015, eq. 10)."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(torch.as_tensor(module.bias))
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


def grey_filters(colour: Tensor) -> Tensor:
    """Filters of a grey level x in [-1, 1] and a plane of ones that do what colour filters do with grey images.

    Red, green and blue are all (x + 1) / 2, then standardized: their sum is x times ``w / (2 s)`` plus
    ``w (1 / 2 - m) / s``, summed over the colours.

    Args:
        colour: filters w of standardized red, green and blue, ``(K, 3, H, W)``.

    Returns:
        ``(K, 2, H, W)``.
    """
    mean, deviation = (colour.new_tensor(values)[:, None, None] for values in (COLOUR_MEAN, COLOUR_DEVIATION))
    return torch.stack([(colour / (2 * deviation)).sum(1), (colour * (0.5 - mean) / deviation).sum(1)], dim=1)


def state_of_weights(weights: str | os.PathLike[str]) -> Mapping[str, Tensor]:
    """State dict of a torchvision AlexNet, by the name of its weights or from a file.

    Raises:
        InputError: there are no such weights, they cannot be downloaded, or are of another network.
    """
    known = torchvision.models.AlexNet_Weights.__members__
    if str(weights) in known:
        try:
            state = known[str(weights)].get_state_dict(progress=False)
        except OSError as error:
            raise InputError(
                f"weights {weights}: cannot be downloaded ({error}); give a file with a torchvision AlexNet."
            ) from error
    elif os.path.isfile(weights):
        state = state_of_file(weights)
    else:
        raise InputError(
            f"weights {weights}: there is no such file; expected one, or a name out of {', '.join(known)}."
        )
    with torch.device("meta"):
        expected = shapes_of(torchvision.models.alexnet().state_dict())
    found = shapes_of(state) if isinstance(state, Mapping) else {}
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if wrong:
        raise InputError(
            f"weights {weights}: are not those of torchvision's AlexNet; {wrong[0]} is "
            f"{found.get(wrong[0], 'missing')}, expected {expected.get(wrong[0], 'no such entry')}."
        )
    taken: Mapping[str, Tensor] = state
    return taken


def shapes_of(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Shapes of a state dict without the last layer, whose number of classes is free."""
    return {name: tuple(getattr(value, "shape", ())) for name, value in state.items() if not name.startswith(LAST)}
