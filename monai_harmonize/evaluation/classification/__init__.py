"""The protocol of Lee et al. (HCIS 2020): a classifier of one site on the harmonized images of another."""

from monai_harmonize.evaluation.classification.run import ClassificationReport, run_classification_report
from monai_harmonize.evaluation.classification.section import ClassificationSection, classification_section

__all__ = [
    "ClassificationReport",
    "ClassificationSection",
    "classification_section",
    "run_classification_report",
]
