"""Certificates: what a harmonizer did to an image, measured and judged."""
