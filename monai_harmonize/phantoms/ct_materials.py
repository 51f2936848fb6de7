"""What a CT scanner measures in a patient: how much of each material lies in each voxel, whatever the scanner."""

from dataclasses import dataclass

from monai_harmonize.phantoms.solids import Array

__all__ = ["BLOOD", "FAT", "MUSCLE", "Materials"]

# Attenuation relative to water.
FAT, MUSCLE, BLOOD = 0.90, 1.05, 1.045


@dataclass(frozen=True)
class Materials:
    """What fills each voxel; arrays (columns, rows, slices), to the patient's left, back and head.

    Attributes:
        water: attenuation relative to water of all but bone and iodine.
        bone: cortical bone in g/cm^3.
        iodine: iodine in g/cm^3.
        body: share of the voxel inside the skin.
        spacing: voxel edges in mm.
    """

    water: Array
    bone: Array
    iodine: Array
    body: Array
    spacing: tuple[float, float, float]
