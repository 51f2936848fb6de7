"""Losses: one per file, beside those of MONAI."""

from monai_harmonize.losses.adversarial_cross_entropy import AdversarialCrossEntropy as AdversarialCrossEntropy
