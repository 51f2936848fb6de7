"""Certificates: what a harmonizer did to an image, measured and judged."""

from monai_harmonize.safety.certificate import Certificate as Certificate
from monai_harmonize.safety.certificate import certify as certify
from monai_harmonize.safety.certificate_writer import CertificateWriter as CertificateWriter
from monai_harmonize.safety.certify_transform import CertifyHarmonizedd as CertifyHarmonizedd
from monai_harmonize.safety.hidden_code_transform import HiddenCodeTestd as HiddenCodeTestd
from monai_harmonize.safety.on_fail import SaveCertified as SaveCertified
from monai_harmonize.safety.on_fail import StopOnFail as StopOnFail
from monai_harmonize.safety.thresholds import load_thresholds as load_thresholds
