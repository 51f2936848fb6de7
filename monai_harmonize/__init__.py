"""Bring medical images to the look a model was trained on, and show that no anatomy was invented."""

__version__ = "0.1.0"
