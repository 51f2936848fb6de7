"""What Lee et al. (HCIS 2020) report, to stand beside ours. Theirs is another data set and another classifier.

They bring images of Montgomery County to the look of Shenzhen and give them to an AlexNet trained on Shenzhen
("Experiments", Tables 1 and 2); its own area, 0.95, is of Shenzhen images.
"""

from __future__ import annotations

from monai_harmonize.evaluation.classification.study_folder import OWN, RAW

__all__ = ["PAPER_AUC", "PAPER_NOTE", "PAPER_OWN_SD", "PAPER_SSIM", "paper_row"]

CYCLEGAN, UNIT, MATCHED = "cyclegan", "unit", "histogram_matched"
PAPER_NOTE = (
    "Paper: Lee et al. (HCIS 2020), images of Montgomery County brought to the look of Shenzhen, an AlexNet trained on "
    "Shenzhen. Other data and another classifier, so its numbers are context, not a bar."
)
# Mean and standard deviation over images.
PAPER_SSIM = {CYCLEGAN: (0.737, 0.0592), UNIT: (0.691, 0.0484), MATCHED: (0.732, 0.0823)}
PAPER_AUC = {CYCLEGAN: 0.84, UNIT: 0.81, RAW: 0.73, MATCHED: 0.70, OWN: 0.95}
PAPER_OWN_SD = 0.02


def paper_row(name: str) -> str | None:
    """The paper's row that a method of ours answers, or None."""
    if name in (OWN, RAW):
        return name
    lowered = name.lower()
    if lowered.startswith("cyclegan"):
        return CYCLEGAN
    if lowered.split("_")[0] == "unit":
        return UNIT
    return MATCHED if "histogram" in lowered else None
