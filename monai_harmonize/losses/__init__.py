"""Losses: one per file, beside those of MONAI."""

from monai_harmonize.losses.adversarial_cross_entropy import AdversarialCrossEntropy as AdversarialCrossEntropy
from monai_harmonize.losses.contextual import ContextualLoss as ContextualLoss
from monai_harmonize.losses.contextual import contextual_loss as contextual_loss
