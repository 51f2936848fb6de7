"""What Xu et al. (HCIS 2020) report, to stand beside ours. Theirs are other images, encoders and classifiers."""

from __future__ import annotations

__all__ = ["PAPER_CIS", "PAPER_LPIPS", "PAPER_NOTE", "PAPER_SEGMENTATION", "paper_row"]

XU, HUANG, MECHREZ = "xu", "adain", "contextual_transformation"
# Table 1.
PAPER_LPIPS = {XU: 0.427, HUANG: 0.516, MECHREZ: 0.457}
PAPER_CIS = {XU: 0.124, HUANG: 0.137, MECHREZ: 0.214}
# Table 2, pixel accuracy and mean intersection over union of a U-Net in percent, without and with generated images.
PAPER_SEGMENTATION = {"U-Net": (77.71, 31.66), "U-Net (augmented)": (95.80, 69.81)}
PAPER_NOTE = (
    "Paper: Xu, Li, Shin (HCIS 2020), Tables 1 and 2: CT of the spine from a web archive, encoders with ImageNet "
    "weights, a fine-tuned Inception-v3, one training each, no intervals. Other data and other judges, so its numbers "
    "are context, not a bar."
)


def paper_row(method: str) -> str:
    """The paper's method that one of ours answers; itself where there is none."""
    lowered = method.lower()
    return next((name for name in (XU, HUANG, MECHREZ) if lowered.startswith(name)), lowered)
