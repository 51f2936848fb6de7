"""What a style study found, in sentences that its tables bear out."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from monai_harmonize.evaluation.style.study_folder import PLAIN, RAW

__all__ = ["findings", "headline", "warnings"]


def headline(table: pd.DataFrame, home: str) -> str:
    """The largest loss, and the augmentation that regains most of it; of the table of segmentation."""
    away = table[table["look"] != home]
    plain = away[away["kind"] == PLAIN]
    worst = plain.loc[plain["loss"].idxmax()]
    there = away[(away["look"] == worst["look"]) & (away["kind"] != PLAIN)]
    text = f"{worst['title']} of {home} loses {100 * worst['loss']:.0f} points of mean IoU on {worst['look']}"
    if not there["regained"].notna().any():
        return text + "."
    best = there.loc[there["regained"].idxmax()]
    return f"{text}; {best['title']} regains {best['regained']:.0%} of them."


def findings(table: pd.DataFrame, home: str, unseen: list[str]) -> Iterator[str]:
    """A sentence per look, and what augmentation costs at home; of the table of segmentation."""
    for look in dict.fromkeys(table["look"]):
        rows = table[table["look"] == look]
        plain, others = rows[rows["kind"] == PLAIN].iloc[0], rows[rows["kind"] != PLAIN]
        if look == home:
            changes = [f"{row['title']} {100 * row['change']:+.1f} points" for _, row in others.iterrows()]
            compared = f"; against that: {', '.join(changes)}" if changes else ""
            yield f"At home ({home}) {plain['title']} reaches {plain['mean_iou']:.1%}{compared}."
            continue
        known = "a look that nobody trained on" if look in unseen else "a look whose style the methods learned"
        told = others[others["regained"].notna()]
        shares = [f"{row['title']} {row['regained']:.0%}" for _, row in told.iterrows()]
        regained = f"; regained: {', '.join(shares)}" if shares else ""
        yield f"On {look}, {known}, it loses {100 * plain['loss']:.1f} points{regained}."


def warnings(styles: pd.DataFrame, segmentation: pd.DataFrame, *, lpips: bool, seeds: int) -> Iterator[str]:
    """What to know before relying on the numbers.

    Args:
        styles: Table 1, ``raw`` among its methods.
        segmentation: Table 2.
        lpips: whether the distance is LPIPS.
        seeds: segmentation networks of each kind.
    """
    if not lpips:
        yield (
            "No weights of LPIPS were given: the perceptual distance has a random backbone and compares with no "
            "published number. --lpips-weights names a file."
        )
    if seeds == 1:
        yield "One segmentation network of each kind was trained: intervals tell of patients, not of trainings."
    few = int(segmentation["patients"].min())
    if few < 10:
        yield f"A look has {few} test patients only; small differences mean nothing."
    raw = styles[styles["method"] == RAW]
    drawn = styles[styles["method"] != RAW]
    if len(raw) and pd.notna(raw["ssim_truth"].iloc[0]):
        worse = drawn[drawn["ssim_truth"] < raw["ssim_truth"].iloc[0]]["title"].tolist()
        if worse:
            yield (
                f"Farther from the truth than the image as it was (SSIM): {', '.join(worse)}. Such a network loses "
                "more structure than its style is worth."
            )
