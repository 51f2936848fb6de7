"""The audit of a trained harmonizer: what it does to lesions of patients whose truth is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from monai.data import MetaTensor
from numpy.typing import NDArray
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.spacing import SPACING_KNOWN
from monai_harmonize.safety.audit.ensemble import Disagreement, disagreement_of, ensemble_deviation
from monai_harmonize.safety.audit.estimates import Median, Rate, median_of, rate_of
from monai_harmonize.safety.audit.false_lesions import FalseLesion, find_false_lesions
from monai_harmonize.safety.audit.lesion_contrast import LesionContrast, measure_lesion
from monai_harmonize.safety.audit.lesion_pairs import LesionPair
from monai_harmonize.safety.audit.rules import AuditRules, judge
from monai_harmonize.safety.hidden_code import HiddenCode, hidden_code_test

__all__ = ["SCHEMA_VERSION", "Audit", "AuditedPair", "audit", "audit_measured"]

SCHEMA_VERSION = "1.0"
Image = NDArray[np.float32]
Harmonize = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Audit:
    """What was found. Every field and its limits: docs/audit.md.

    Args:
        schema_version: of this record.
        rules: what was allowed.
        contrasts: every lesion that could be judged.
        unjudged: patients whose lesion is too faint or too cramped in the source to be judged.
        contrast_ratio: contrast-to-noise ratio after over before, median over patients.
        against_curve: the same, compared with the nearest increasing curve instead of the source.
        deletion: patients whose lesion was deleted.
        false_lesions: everything in healthy lungs that looks like a lesion.
        false_lesion_rate: healthy images with at least one.
        hidden_code: result of the test for cycle networks; ``None`` without a backward network.
        disagreement: spread of an ensemble; ``None`` without one.
        verdict: ``"pass"``, ``"warn"`` or ``"fail"``.
        reasons: one sentence for each finding, failures first.
    """

    schema_version: str
    rules: AuditRules
    contrasts: tuple[LesionContrast, ...]
    unjudged: tuple[str, ...]
    contrast_ratio: Median | None
    against_curve: Median | None
    deletion: Rate
    false_lesions: tuple[FalseLesion, ...]
    false_lesion_rate: Rate
    hidden_code: HiddenCode | None
    disagreement: Disagreement | None
    verdict: str = "pass"
    reasons: tuple[str, ...] = field(default=())

    def to_json(self) -> str:
        """The record as JSON text, with ``null`` where something does not apply."""
        return json.dumps(asdict(self), indent=4, allow_nan=False) + "\n"


@dataclass(frozen=True)
class AuditedPair:
    """One patient and what the harmonizer made of both radiographs.

    Args:
        pair: the sources.
        ill: output for ``pair.ill``, ``(columns, rows)`` on [-1, 1].
        healthy: output for ``pair.healthy``.
        contrast: the lesion before and after; ``None`` where it cannot be judged.
        false_lesions: found in ``healthy``.
        deviation: standard deviation between the members of the ensemble on ``pair.healthy``, share of the grey
            scale; ``None`` without an ensemble.
        change: mean change that the members made, likewise.
    """

    pair: LesionPair
    ill: Image
    healthy: Image
    contrast: LesionContrast | None
    false_lesions: list[FalseLesion]
    deviation: Image | None = None
    change: Image | None = None


def audit(
    harmonize: Harmonize,
    pairs: Sequence[LesionPair],
    *,
    backward: Harmonize | None = None,
    ensemble: Sequence[Harmonize] = (),
    rules: AuditRules | None = None,
) -> Audit:
    """Audit a trained harmonizer; arguments and errors are those of ``audit_measured``."""
    return audit_measured(harmonize, pairs, backward=backward, ensemble=ensemble, rules=rules)[0]


def audit_measured(
    harmonize: Harmonize,
    pairs: Sequence[LesionPair],
    *,
    backward: Harmonize | None = None,
    ensemble: Sequence[Harmonize] = (),
    rules: AuditRules | None = None,
) -> tuple[Audit, list[AuditedPair]]:
    """Audit and the images behind it.

    Args:
        harmonize: source to target; takes ``(1, 1, W, H)`` on [-1, 1], a ``MetaTensor`` with spacing, and gives the
            same shape and scale. Networks are in evaluation mode, without gradients.
        pairs: patients of the source site, see ``render_lesion_pairs``.
        backward: target to source, of a cycle network; for the hidden-code test.
        ensemble: further trainings of the same method.
        rules: what is allowed; the defaults are those of docs/audit.md.

    Raises:
        InputError: no pairs, or an output of another shape, NaN or infinity.
    """
    if not pairs:
        raise InputError("no patient to audit; give at least one pair")
    rules = rules or AuditRules()
    members = [harmonize, *ensemble] if ensemble else []
    audited = [_audit_pair(harmonize, pair, members, rules) for pair in pairs]
    contrasts = tuple(one.contrast for one in audited if one.contrast)
    # Beyond a curve that flattens the lesion itself there is nothing to compare with.
    compared = [found.against_curve for found in contrasts if np.isfinite(found.against_curve)]
    invented = tuple(lesion for one in audited for lesion in one.false_lesions)
    found = Audit(
        schema_version=SCHEMA_VERSION,
        rules=rules,
        contrasts=contrasts,
        unjudged=tuple(one.pair.name for one in audited if one.contrast is None),
        contrast_ratio=median_of([contrast.ratio for contrast in contrasts]),
        against_curve=median_of(compared),
        deletion=rate_of(sum(contrast.deleted(rules.deleted_share) for contrast in contrasts), len(contrasts)),
        false_lesions=tuple(sorted(invented, key=lambda lesion: -lesion.amplitude)),
        false_lesion_rate=rate_of(sum(bool(one.false_lesions) for one in audited), len(audited)),
        hidden_code=_hidden_code(harmonize, backward, pairs),
        disagreement=_disagreement(audited, len(members)),
    )
    verdict, reasons = judge(found, rules)
    return Audit(**{**vars(found), "verdict": verdict, "reasons": reasons}), audited


def image_tensor(image: Image, spacing: float) -> MetaTensor:
    """A batch of one, as the inferers of bundles expect it."""
    affine = torch.diag(torch.tensor([spacing, spacing, 1.0, 1.0], dtype=torch.float64))
    return MetaTensor(torch.from_numpy(image)[None, None], affine=affine[None], meta={SPACING_KNOWN: [True]})


@torch.no_grad()
def _audit_pair(harmonize: Harmonize, pair: LesionPair, members: Sequence[Harmonize], rules: AuditRules) -> AuditedPair:
    ill, healthy = (
        torch.as_tensor(harmonize(image_tensor(image, pair.spacing))).as_subclass(Tensor).cpu().float()
        for image in (pair.ill, pair.healthy)
    )
    outputs = ill[0, 0].numpy(), healthy[0, 0].numpy()
    contrast = measure_lesion(pair, *outputs)
    deviation = change = None
    if members:
        maps = ensemble_deviation(image_tensor(pair.healthy, pair.spacing), members)
        deviation, change = (found.as_subclass(Tensor)[0, 0].cpu().numpy() for found in maps)
    invented = find_false_lesions(pair, outputs[1], rules.lesion_like)
    return AuditedPair(pair, *outputs, contrast, invented, deviation, change)


def _hidden_code(harmonize: Harmonize, backward: Harmonize | None, pairs: Sequence[LesionPair]) -> HiddenCode | None:
    """The test on the patient whose cycle amplifies most."""
    if backward is None:
        return None
    tests = [hidden_code_test(image_tensor(pair.healthy, pair.spacing), harmonize, backward) for pair in pairs]
    return max(tests, key=lambda test: test.amplification)


def _disagreement(audited: Sequence[AuditedPair], members: int) -> Disagreement | None:
    deviations = [one.deviation for one in audited if one.deviation is not None]
    changes = [one.change for one in audited if one.change is not None]
    return disagreement_of(deviations, changes, members) if deviations else None
