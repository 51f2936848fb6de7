"""One UNIT training step beside the plain loop of the paper.

Run from the repository root: ``python benchmarks/unit_step.py``; see ``benchmarks/README.md``.
"""

from training_step import run

# Quantity, variant, largest ratio to the reference.
PROMISES = (
    ("time", "ours float32", 1.0),
    ("memory", "ours float32", 0.6),
    ("time", "ours bfloat16", 0.68),
)

if __name__ == "__main__":
    run("UNIT", 4, PROMISES)
