"""Audit of a trained harmonizer on patients whose truth is known."""

from monai_harmonize.safety.audit.audit import Audit as Audit
from monai_harmonize.safety.audit.audit import AuditedPair as AuditedPair
from monai_harmonize.safety.audit.audit import audit as audit
from monai_harmonize.safety.audit.audit import audit_measured as audit_measured
from monai_harmonize.safety.audit.lesion_pairs import LesionPair as LesionPair
from monai_harmonize.safety.audit.lesion_pairs import phantom_site as phantom_site
from monai_harmonize.safety.audit.lesion_pairs import render_lesion_pairs as render_lesion_pairs
from monai_harmonize.safety.audit.rules import AuditRules as AuditRules
