"""One self-contained HTML page that tells a person what a trained harmonizer does to lesions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jinja2 import Environment, StrictUndefined

from monai_harmonize.evaluation.audit_figures import (
    SIGNAL_SCALE,
    contrast_figure,
    disagreement_figure,
    false_lesion_figure,
    lesion_figure,
)
from monai_harmonize.evaluation.audit_template import AUDIT_TEMPLATE
from monai_harmonize.evaluation.page_parts import embedded
from monai_harmonize.safety.audit import Audit, AuditedPair

__all__ = ["render_audit_report"]

HEADLINES = {
    "pass": "No lesion was deleted or invented beyond what is allowed.",
    "warn": "Look at the findings below before these weights are used.",
    "fail": "These weights change findings. Do not use them on patients' images.",
}


def render_audit_report(audit: Audit, audited: Sequence[AuditedPair], provenance: Mapping[str, str]) -> str:
    """HTML text of the report.

    Args:
        audit: numbers and verdict.
        audited: the images behind them.
        provenance: lines on where the numbers come from; `Bundle` is the title.
    """
    figures = {
        "lesions": (
            lesion_figure(audited),
            "The lesions that kept least of their contrast-to-noise ratio, and last the median one. Lesion alone: the "
            f"image with the lesion minus the same patient's without, from -{SIGNAL_SCALE:g} (purple) to "
            f"+{SIGNAL_SCALE:g} (orange) of the grey scale. The outline is the truth.",
        ),
        "contrast": (contrast_figure(audit), "One point per patient."),
        "false_lesions": (
            false_lesion_figure(audit, audited),
            "The healthy patients with the strongest changes that look like a lesion (circles). Right: brightness that "
            f"neither an increasing curve nor a filter explains, from -{SIGNAL_SCALE:g} to +{SIGNAL_SCALE:g}.",
        ),
    }
    if audit.disagreement:
        figures["disagreement"] = (
            disagreement_figure(audited),
            f"Change from -{SIGNAL_SCALE:g} to +{SIGNAL_SCALE:g}, deviation from 0 to {SIGNAL_SCALE:g} of the scale.",
        )
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(AUDIT_TEMPLATE).render(
        audit=audit,
        rules=audit.rules,
        headline=HEADLINES[audit.verdict],
        tiles=_tiles(audit),
        provenance=dict(provenance),
        figure=lambda name: embedded(*figures[name]),
    )


def _tiles(audit: Audit) -> list[dict[str, str]]:
    def rate(name: str, found: str) -> dict[str, str]:
        value = getattr(audit, found)
        detail = f"{value.count} of {value.total}; 95% interval {value.low:.0%} to {value.high:.0%}"
        return {"name": name, "value": f"{value.share:.0%}", "detail": detail}

    tiles = [rate("Lesions deleted", "deletion")]
    if ratio := audit.contrast_ratio:
        detail = f"median, 95% interval {ratio.low:.0%} to {ratio.high:.0%}"
        if curve := audit.against_curve:
            detail += f"; {curve.estimate:.0%} of what a curve would leave"
        tiles.append({"name": "Contrast-to-noise ratio kept", "value": f"{ratio.estimate:.0%}", "detail": detail})
    tiles.append(rate("Healthy images with a false lesion", "false_lesion_rate"))
    if code := audit.hidden_code:
        tiles.append(
            {
                "name": "Hidden-code amplification",
                "value": f"{code.amplification:.1f}",
                "detail": f"worst patient; an honest pair has about 1, warns above {audit.rules.hidden_code.warn:g}",
            }
        )
    if spread := audit.disagreement:
        detail = f"of the change made, {spread.members} trainings; {spread.deviation:.1%} of the grey scale"
        tiles.append({"name": "Trainings differ by", "value": f"{spread.relative:.0%}", "detail": detail})
    return tiles
