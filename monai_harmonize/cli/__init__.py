"""The command line, a thin door to the bundles, the phantoms and the evaluation."""

from monai_harmonize.cli.app import app as app
