"""Watching a training: what is measured, when a number becomes an alarm, and what is said then."""

from monai_harmonize.engines.watch.handler import TrainingWatch as TrainingWatch
