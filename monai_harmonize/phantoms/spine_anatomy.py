"""A patient's thoracolumbar spine and the trunk around it as a few dozen numbers."""

from dataclasses import dataclass

import numpy as np

from monai_harmonize.phantoms.anatomy import clipped_normal

__all__ = ["SpineAnatomy", "sample_spine"]


@dataclass(frozen=True)
class SpineAnatomy:
    """Everything about a patient on the table; lengths in mm, angles in degrees.

    The origin lies in the middle of the body of L3; x points to the patient's left, y to the back, z to the head.

    Attributes:
        seed: seed of what is not a number here: bowel, texture of bone and organs, unevenness of the vertebrae.
        size: factor on all lengths of the spine, 1 for an average adult.
        lordosis: angle between the upper faces of L1 and S1.
        scoliosis: sideways angle between the most tilted vertebrae; its sign is its side.
        apex: level of the largest sideways shift, counted downwards from L3.
        rotation: turn about the long axis, of the whole patient.
        shift: how far the patient lies from the middle of the field, left, back and to the head.
        disc_height: factor on the height of the discs; low in a worn spine.
        marrow: mineral of the spongy bone in g/cm^3; below about 0.16 in osteoporosis.
        cortex: factor on the thickness of the shell.
        dent: how far the end plates are dented in the middle.
        lip: how far bone has grown over the rims of the bodies.
        width: half width of the trunk, fat included.
        depth: distance of the front skin from the middle of L3.
        fat: thickness of the subcutaneous layer at the flanks.
        back_fat: the same behind the spine.
        muscle: factor on the size of the back's muscles.
        fatty: share of fat in the back's muscles.
        aorta: radius of the aorta.
        iodine: contrast medium in the arteries in g/cm^3; 0 for a scan without.
        table: gap between skin and table.
    """

    seed: int
    size: float
    lordosis: float
    scoliosis: float
    apex: float
    rotation: float
    shift: tuple[float, float, float]
    disc_height: float
    marrow: float
    cortex: float
    dent: float
    lip: float
    width: float
    depth: float
    fat: float
    back_fat: float
    muscle: float
    fatty: float
    aorta: float
    iodine: float
    table: float


def sample_spine(seed: int) -> SpineAnatomy:
    """Draw a patient; the same seed gives the same patient.

    Args:
        seed: any non-negative integer.
    """
    rng = np.random.default_rng([seed, 20])
    size = 0.97 + 0.055 * float(np.clip(rng.standard_normal(), -2, 2))
    habitus, age = float(rng.beta(2.0, 2.6)), float(rng.uniform())
    return SpineAnatomy(
        seed=seed,
        size=size,
        lordosis=clipped_normal(rng, 46, 9),
        scoliosis=clipped_normal(rng, 0, 4.5),
        apex=clipped_normal(rng, -0.5, 0.9),
        rotation=clipped_normal(rng, 0, 3),
        shift=(clipped_normal(rng, 0, 7), clipped_normal(rng, 0, 5), clipped_normal(rng, 0, 9)),
        disc_height=clipped_normal(rng, 1.08, 0.07) - 0.25 * age,
        marrow=clipped_normal(rng, 0.34, 0.025) - 0.19 * age,
        cortex=clipped_normal(rng, 1.05, 0.08) - 0.2 * age,
        dent=clipped_normal(rng, 1.0, 0.25) + 1.3 * age,
        lip=max(0.0, clipped_normal(rng, -0.6, 0.8) + 3.2 * age),
        width=size * clipped_normal(rng, 136, 4) + 36 * habitus,
        depth=size * clipped_normal(rng, 88, 5) + 58 * habitus,
        fat=5 + 26 * habitus,
        back_fat=4 + 24 * habitus,
        muscle=clipped_normal(rng, 1.04, 0.06) - 0.12 * age,
        fatty=max(0.0, clipped_normal(rng, -0.02, 0.05) + 0.3 * age),
        aorta=clipped_normal(rng, 9.0, 0.7) + 2.0 * age,
        iodine=float(rng.uniform(0.004, 0.009)) if rng.random() < 0.5 else 0.0,
        table=float(rng.uniform(1, 6)),
    )
