"""Transforms: the array class and its dictionary twin, one idea per file."""

from monai_harmonize.transforms.check_polarity import CheckPolarity as CheckPolarity
from monai_harmonize.transforms.check_polarity import CheckPolarityd as CheckPolarityd
from monai_harmonize.transforms.crop_to_region import CropToRegion as CropToRegion
from monai_harmonize.transforms.crop_to_region import CropToRegiond as CropToRegiond
from monai_harmonize.transforms.load_mask import LoadMask as LoadMask
from monai_harmonize.transforms.load_mask import LoadMaskd as LoadMaskd
from monai_harmonize.transforms.load_radiograph import LoadRadiograph as LoadRadiograph
from monai_harmonize.transforms.load_radiograph import LoadRadiographd as LoadRadiographd
from monai_harmonize.transforms.rand_tone_curve import RandToneCurve as RandToneCurve
from monai_harmonize.transforms.rand_tone_curve import RandToneCurved as RandToneCurved
from monai_harmonize.transforms.save_like_source import SaveLikeSource as SaveLikeSource
from monai_harmonize.transforms.save_like_source import SaveLikeSourced as SaveLikeSourced
from monai_harmonize.transforms.save_mask import SaveMask as SaveMask
from monai_harmonize.transforms.save_mask import SaveMaskd as SaveMaskd
from monai_harmonize.transforms.save_presentation_state import SavePresentationState as SavePresentationState
from monai_harmonize.transforms.save_presentation_state import SavePresentationStated as SavePresentationStated
from monai_harmonize.transforms.scale_grey_levels import RestoreGreyLevels as RestoreGreyLevels
from monai_harmonize.transforms.scale_grey_levels import RestoreGreyLevelsd as RestoreGreyLevelsd
from monai_harmonize.transforms.scale_grey_levels import ScaleGreyLevels as ScaleGreyLevels
from monai_harmonize.transforms.scale_grey_levels import ScaleGreyLevelsd as ScaleGreyLevelsd
from monai_harmonize.transforms.shrink_to import ShrinkTo as ShrinkTo
from monai_harmonize.transforms.shrink_to import ShrinkTod as ShrinkTod
from monai_harmonize.transforms.site_shift import SITE_SHIFTS as SITE_SHIFTS
from monai_harmonize.transforms.site_shift import SiteShift as SiteShift
from monai_harmonize.transforms.site_shift import SiteShiftd as SiteShiftd
