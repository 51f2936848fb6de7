"""Networks: one per file, `spatial_dims` first, `forward(image) -> Tensor`."""

from monai_harmonize.networks.resnet_generator import ResNetGenerator as ResNetGenerator
from monai_harmonize.networks.weights_digest import digest_of_weights as digest_of_weights
