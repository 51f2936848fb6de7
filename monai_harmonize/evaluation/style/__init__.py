"""The experiment of Xu et al. (HCIS 2020): style transfer judged, and as augmentation of a segmentation."""

from monai_harmonize.evaluation.style.run import StyleReport, run_style_report

__all__ = ["StyleReport", "run_style_report"]
