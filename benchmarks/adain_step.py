"""One training step of style transfer beside the plain loop of the papers.

Run from the repository root: ``python benchmarks/adain_step.py``; see ``benchmarks/README.md``.
"""

from training_step import run

# Quantity, variant, largest ratio to the reference.
PROMISES = (
    ("time", "ours float32", 0.75),
    ("memory", "ours float32", 0.5),
    ("time", "ours bfloat16", 0.55),
)

if __name__ == "__main__":
    run("AdaIN", 1, PROMISES, batch=8)
