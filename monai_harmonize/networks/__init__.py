"""Networks: one per file, `spatial_dims` first, `forward(image) -> Tensor`."""

from monai_harmonize.networks.alexnet import AlexNet as AlexNet
from monai_harmonize.networks.bilateral_grid_generator import BilateralGridGenerator as BilateralGridGenerator
from monai_harmonize.networks.channel_statistics import channel_statistics as channel_statistics
from monai_harmonize.networks.clipped_residual_generator import ClippedResidualGenerator as ClippedResidualGenerator
from monai_harmonize.networks.convolutional_discriminator import (
    ConvolutionalDiscriminator as ConvolutionalDiscriminator,
)
from monai_harmonize.networks.convolutional_generator import ConvolutionalGenerator as ConvolutionalGenerator
from monai_harmonize.networks.feature_decoder import FeatureDecoder as FeatureDecoder
from monai_harmonize.networks.feature_extractor import FeatureExtractor as FeatureExtractor
from monai_harmonize.networks.histogram_matching import HistogramMatching as HistogramMatching
from monai_harmonize.networks.resnet_generator import ResNetGenerator as ResNetGenerator
from monai_harmonize.networks.site_harmonizer import SiteHarmonizer as SiteHarmonizer
from monai_harmonize.networks.site_spectral_filter import SiteSpectralFilter as SiteSpectralFilter
from monai_harmonize.networks.site_tone_curve import SiteToneCurve as SiteToneCurve
from monai_harmonize.networks.style_transfer_net import StyleTransferNet as StyleTransferNet
from monai_harmonize.networks.tone_curve_generator import ToneCurveGenerator as ToneCurveGenerator
from monai_harmonize.networks.unit_vae import UNITTranslator as UNITTranslator
from monai_harmonize.networks.weights_digest import digest_of_weights as digest_of_weights
