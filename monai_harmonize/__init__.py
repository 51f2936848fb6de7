"""Bring medical images to the look a model was trained on, and measure what happened to the anatomy."""

__version__ = "0.1.0"
