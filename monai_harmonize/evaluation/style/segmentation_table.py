"""Table 2 of Xu et al.: what a segmentation network makes of each look, with and without styles in its training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_harmonize.evaluation.style.paired import PatientDraws, with_ends
from monai_harmonize.evaluation.style.study_folder import PLAIN

__all__ = ["segmentation_table"]

Array = NDArray[np.float64]

# One point.
SMALLEST_LOSS = 0.01


def segmentation_table(
    scores: pd.DataFrame, home: str, titles: Mapping[str, str], *, seed: int = 0, resamples: int = 2000
) -> pd.DataFrame:
    """A row for each network and look.

    Networks stay as they were trained: intervals come from resamples of patients, what another training would give
    shows in ``mean_iou_sd`` over the seeds. The loss is that of ``plain`` from the home look to this one. An
    augmentation regains the share (its score - plain's) / loss of it; where the interval of the loss holds 0, or the
    loss is below one point, there is no loss worth a share and it is NaN: it would divide by noise.

    Args:
        scores: a row per network (``kind``), ``seed``, ``look`` and ``image``, with ``patient``, ``pixel_accuracy`` and
            ``mean_iou``; kind ``plain`` and look ``home`` are among them.
        home: the look of the training images.
        titles: of the kinds, in their order.
        seed: of the bootstrap.
        resamples: of the bootstrap.

    Returns:
        ``kind``, ``title``, ``look``, ``images``, ``patients``, ``seeds``; ``pixel_accuracy``, ``mean_iou``, ``loss``
        (of plain, at home minus here), ``change`` (this kind minus plain, here) and ``regained``, each with its ends;
        ``mean_iou_sd``.
    """
    looks = [home, *(look for look in dict.fromkeys(scores["look"]) if look != home)]
    patients = {look: scores.loc[scores["look"] == look, "patient"].astype(str).tolist() for look in looks}
    draws = PatientDraws(patients, resamples, seed)
    means = {
        (kind, look): resampled_means(scores[(scores["kind"] == kind) & (scores["look"] == look)], draws)
        for kind in titles
        for look in looks
    }
    return pd.DataFrame(list(rows(scores, means, home, looks, titles)))


def resampled_means(found: pd.DataFrame, draws: PatientDraws) -> dict[str, Array]:
    """Means of both scores over images, each the mean over the seeds, of the data and all resamples."""
    images = found.groupby(["patient", "image"], sort=True)[["pixel_accuracy", "mean_iou"]].mean().reset_index()
    patients = images["patient"].astype(str).tolist()
    return {name: draws.means(patients, images[name].to_numpy()) for name in ("pixel_accuracy", "mean_iou")}


def rows(
    scores: pd.DataFrame,
    means: Mapping[tuple[str, str], Mapping[str, Array]],
    home: str,
    looks: list[str],
    titles: Mapping[str, str],
) -> Iterator[dict[str, Any]]:
    """See ``segmentation_table``."""
    at_home = means[PLAIN, home]["mean_iou"]
    for kind, title in titles.items():
        for look in looks:
            found = scores[(scores["kind"] == kind) & (scores["look"] == look)]
            here, plain = means[kind, look]["mean_iou"], means[PLAIN, look]["mean_iou"]
            by_seed = found.groupby("seed")["mean_iou"].mean()
            loss = at_home - plain
            yield {
                "kind": kind,
                "title": title,
                "look": look,
                "images": found["image"].nunique(),
                "patients": found["patient"].nunique(),
                "seeds": len(by_seed),
                **with_ends("pixel_accuracy", means[kind, look]["pixel_accuracy"]),
                **with_ends("mean_iou", here),
                "mean_iou_sd": float(by_seed.std(ddof=1)) if len(by_seed) > 1 else np.nan,
                **with_ends("loss", loss),
                **with_ends("change", here - plain),
                **share_regained(here - plain, loss, kind == PLAIN),
            }


def share_regained(change: Array, loss: Array, plain: bool) -> dict[str, float]:
    """Share of the loss that is regained; NaN for the ``plain`` network, or where there is no loss worth a share."""
    ends = with_ends("loss", loss)
    # A single patient has no interval.
    low = ends["loss"] if np.isnan(ends["loss_low"]) else ends["loss_low"]
    if plain or not (low > 0 and ends["loss"] >= SMALLEST_LOSS):
        return dict.fromkeys(("regained", "regained_low", "regained_high"), np.nan)
    # At most 2.5 % of the resamples show no loss; they have no share and are left out.
    shown = loss > 0
    return with_ends("regained", change[shown] / loss[shown])
