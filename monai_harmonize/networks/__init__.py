"""Networks: one per file, `spatial_dims` first, `forward(image) -> Tensor`."""

from monai_harmonize.networks.bilateral_grid_generator import BilateralGridGenerator as BilateralGridGenerator
from monai_harmonize.networks.clipped_residual_generator import ClippedResidualGenerator as ClippedResidualGenerator
from monai_harmonize.networks.resnet_generator import ResNetGenerator as ResNetGenerator
from monai_harmonize.networks.tone_curve_generator import ToneCurveGenerator as ToneCurveGenerator
