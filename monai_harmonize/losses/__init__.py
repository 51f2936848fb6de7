"""Losses: one per file, beside those of MONAI."""

from monai_harmonize.losses.adversarial_cross_entropy import AdversarialCrossEntropy as AdversarialCrossEntropy
from monai_harmonize.losses.contextual import ContextualLoss as ContextualLoss
from monai_harmonize.losses.contextual import contextual_loss as contextual_loss
from monai_harmonize.losses.gradient_correlation import gradient_correlation as gradient_correlation
from monai_harmonize.losses.gradient_penalty import gradient_penalty as gradient_penalty
from monai_harmonize.losses.hinge import HingeLoss as HingeLoss
from monai_harmonize.losses.shape_consistency import ShapeConsistency as ShapeConsistency
from monai_harmonize.losses.style import GramStyleLoss as GramStyleLoss
from monai_harmonize.losses.style import StyleLoss as StyleLoss
from monai_harmonize.losses.style import gram_matrix as gram_matrix
from monai_harmonize.losses.style import gram_style_loss as gram_style_loss
from monai_harmonize.losses.style import style_loss as style_loss
from monai_harmonize.losses.wasserstein import WassersteinLoss as WassersteinLoss
