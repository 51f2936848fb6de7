"""Inferers: how a translator meets images of any size."""

from monai_harmonize.inferers.fixed_instance_norm import fixed_instance_norm as fixed_instance_norm
from monai_harmonize.inferers.fixed_size import FixedSizeInferer as FixedSizeInferer
from monai_harmonize.inferers.guided_upsampling import GuidedUpsamplingInferer as GuidedUpsamplingInferer
from monai_harmonize.inferers.projection import ProjectionInferer as ProjectionInferer
from monai_harmonize.inferers.seamless import SeamlessInferer as SeamlessInferer
from monai_harmonize.inferers.slicewise import SlicewiseInferer as SlicewiseInferer
from monai_harmonize.inferers.tabulated import TabulatedInferer as TabulatedInferer
from monai_harmonize.inferers.traditional import TraditionalInferer as TraditionalInferer
from monai_harmonize.inferers.with_spacing import SpacingInferer as SpacingInferer
