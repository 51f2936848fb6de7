"""Evaluation of harmonized images: protocol, statistics, figures, report. Reads files, imports no trainer."""

from monai_harmonize.evaluation.audit_run import AuditRun, run_audit
from monai_harmonize.evaluation.cases import Case, Pairing, pair_files, pair_manifest
from monai_harmonize.evaluation.protocol import Evaluation, Measurement, evaluate_harmonization
from monai_harmonize.evaluation.report import render_report
from monai_harmonize.evaluation.run import EvaluationRun, run_evaluation
from monai_harmonize.evaluation.verdict import Verdict, judge

__all__ = [
    "AuditRun",
    "Case",
    "Evaluation",
    "EvaluationRun",
    "Measurement",
    "Pairing",
    "Verdict",
    "evaluate_harmonization",
    "judge",
    "pair_files",
    "pair_manifest",
    "render_report",
    "run_audit",
    "run_evaluation",
]
