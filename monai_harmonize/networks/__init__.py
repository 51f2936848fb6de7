"""Networks: one per file, `spatial_dims` first, `forward(image) -> Tensor`."""

from monai_harmonize.networks.resnet_generator import ResNetGenerator as ResNetGenerator
from monai_harmonize.networks.site_harmonizer import SiteHarmonizer as SiteHarmonizer
from monai_harmonize.networks.site_spectral_filter import SiteSpectralFilter as SiteSpectralFilter
from monai_harmonize.networks.site_tone_curve import SiteToneCurve as SiteToneCurve
