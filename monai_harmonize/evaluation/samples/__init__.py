"""Synthetic images against the real ones they were learned from: measures, nearest neighbours, a verdict."""
