"""Measures of grey-level distance between sites, of what happened to an image's structure, and of label maps."""

from monai_harmonize.metrics.bilateral_grid_fit import bilateral_grid_fit
from monai_harmonize.metrics.calibrated_alarm import Alarm, calibrated_alarm
from monai_harmonize.metrics.calibration import expected_calibration_error
from monai_harmonize.metrics.frechet_distance import frechet_distance
from monai_harmonize.metrics.grey_level_distance import (
    SiteDistanceMetric,
    jensen_shannon_distance,
    wasserstein_distance,
)
from monai_harmonize.metrics.grey_level_histogram import (
    GreyLevelHistogram,
    grey_level_histogram,
    pooled_histogram,
)
from monai_harmonize.metrics.inception_score import (
    ConditionalInceptionScoreMetric,
    conditional_inception_score,
    inception_score,
)
from monai_harmonize.metrics.kernel_distance import kernel_distance, kernel_distances_of_subsets
from monai_harmonize.metrics.label_hausdorff import LabelHausdorffMetric, label_hausdorff
from monai_harmonize.metrics.label_overlap import LabelDiceMetric, LabelIoUMetric, PixelAccuracyMetric
from monai_harmonize.metrics.manifold_shares import ManifoldShares, manifold_shares
from monai_harmonize.metrics.memorisation import Memorisation, memorisation
from monai_harmonize.metrics.mode_collapse import Modes, near_duplicates, reached_modes
from monai_harmonize.metrics.operating_point import (
    OperatingPoint,
    OperatingThresholdMetric,
    best_threshold,
    operating_point,
)
from monai_harmonize.metrics.site_pair_distance import SitePairDistanceMetric
from monai_harmonize.metrics.site_reference import SiteReference
from monai_harmonize.metrics.site_reference_file import load_site_reference, save_site_reference
from monai_harmonize.metrics.structural_similarity import StructuralSimilarityMetric, batch_structural_similarity
from monai_harmonize.metrics.structure import (
    gradient_agreement,
    increasing_curve,
    level_index,
    monotone_fit,
    monotone_residual,
    structural_similarity,
)
from monai_harmonize.metrics.tone_curve_projection import ToneCurveProjection
from monai_harmonize.metrics.tone_variation import ToneVariance, shrinkage_factor
from monai_harmonize.metrics.weighted_auc import weighted_auc

__all__ = [
    "Alarm",
    "ConditionalInceptionScoreMetric",
    "GreyLevelHistogram",
    "LabelDiceMetric",
    "LabelHausdorffMetric",
    "LabelIoUMetric",
    "ManifoldShares",
    "Memorisation",
    "Modes",
    "OperatingPoint",
    "OperatingThresholdMetric",
    "PixelAccuracyMetric",
    "SiteDistanceMetric",
    "SitePairDistanceMetric",
    "SiteReference",
    "StructuralSimilarityMetric",
    "ToneCurveProjection",
    "ToneVariance",
    "batch_structural_similarity",
    "best_threshold",
    "bilateral_grid_fit",
    "calibrated_alarm",
    "conditional_inception_score",
    "expected_calibration_error",
    "frechet_distance",
    "gradient_agreement",
    "grey_level_histogram",
    "inception_score",
    "increasing_curve",
    "jensen_shannon_distance",
    "kernel_distance",
    "kernel_distances_of_subsets",
    "label_hausdorff",
    "level_index",
    "load_site_reference",
    "manifold_shares",
    "memorisation",
    "monotone_fit",
    "monotone_residual",
    "near_duplicates",
    "operating_point",
    "pooled_histogram",
    "reached_modes",
    "save_site_reference",
    "shrinkage_factor",
    "structural_similarity",
    "wasserstein_distance",
    "weighted_auc",
]
