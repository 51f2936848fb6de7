"""Shape of the lungs: borders as functions of height, and the depths at which rays cross them."""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from monai_harmonize.phantoms.anatomy import ThoraxAnatomy
from monai_harmonize.phantoms.solids import Array, Grid, Interval

# Borders at heights from the apex (0) to the costophrenic angle (1), as fractions of the largest lung width
# or depth. Interpolation over the square root of the height makes the apex round.
HEIGHT = np.array([0.0, 0.02, 0.06, 0.12, 0.25, 0.42, 0.60, 0.80, 0.93, 1.0, 1.10])
BORDER = {
    "lateral": (0.37, 0.50, 0.595, 0.68, 0.805, 0.90, 0.96, 0.992, 1.0, 0.995, 0.97),
    "medial": (0.37, 0.27, 0.215, 0.18, 0.16, 0.155, 0.155, 0.16, 0.17, 0.18, 0.20),
    "depth": (0.0, 0.24, 0.40, 0.55, 0.78, 0.93, 1.0, 1.0, 0.94, 0.78, 0.0),
    "middle": (-0.30, -0.28, -0.24, -0.20, -0.10, -0.02, 0.0, 0.0, -0.06, -0.16, -0.35),
}
CURVES = {name: PchipInterpolator(np.sqrt(HEIGHT), values) for name, values in BORDER.items()}


@dataclass(frozen=True)
class LungShape:
    """Borders of both lungs of a patient, mirror images but for the heart and the domes."""

    anatomy: ThoraxAnatomy

    def _fraction(self, name: str, y: Array) -> Array:
        height = np.clip(np.asarray(y) / self.anatomy.lung_height, 0.0, HEIGHT[-1])
        return np.asarray(CURVES[name](np.sqrt(height)))

    def lateral(self, y: Array) -> Array:
        """Distance in mm of the lateral border from the midline at heights y (mm)."""
        return self.anatomy.lung_width * self._fraction("lateral", y) ** self.anatomy.flare

    def medial(self, y: Array) -> Array:
        """Distance in mm of the medial border from the midline at heights y (mm), heart left out."""
        return self.anatomy.lung_width * self._fraction("medial", y)

    def half_depth(self, y: Array) -> Array:
        """Largest half depth in mm at heights y (mm)."""
        return self.anatomy.lung_depth * self._fraction("depth", y)

    def middle(self, y: Array) -> Array:
        """Depth z in mm around which the lung lies at heights y (mm); the apex lies towards the back."""
        return self.anatomy.lung_depth * self._fraction("middle", y)

    def dome_top(self, side: int) -> float:
        """Height y in mm of a diaphragm dome's top; the left dome lies lower, pushed by the heart."""
        lower = 0.0 if side < 0 else 0.2 * self.anatomy.dome_height
        return self.anatomy.lung_height - self.anatomy.dome_height + lower

    def position(self, side: int, height: float, across: float) -> tuple[float, float, float]:
        """Point (x, y, z) in mm inside a lung from fractions; see `Lesion` for their meaning."""
        y = np.array(height * self.dome_top(side))
        lateral, medial = float(self.lateral(y)), float(self.medial(y))
        x = side * ((lateral + medial) / 2 + across * (lateral - medial) / 2)
        return x, float(y), float(self.middle(y))

    def interval(self, grid: Grid, side: int) -> Interval:
        """Depths of a lung before heart and diaphragm take their room from it."""
        lateral, medial, half = self.lateral(grid.y), self.medial(grid.y), self.half_depth(grid.y)
        inside = (grid.y > 0) & (grid.y < HEIGHT[-1] * self.anatomy.lung_height)
        u = (side * grid.x - (lateral + medial) / 2) / np.maximum((lateral - medial) / 2, 1e-3)
        power = np.where(u < 0, 2.8, 2.3)
        profile = np.clip(1 - np.abs(u) ** power, 0, None) ** (1 / power)
        half = np.where(inside, half * profile, 0.0)
        centre = self.middle(grid.y)
        return centre - half, centre + half

    def diaphragm(self, grid: Grid, side: int) -> Interval:
        """Depths of the abdomen under a dome; a thin gutter of lung stays behind and beside it."""
        width, depth, top = self.anatomy.lung_width, self.anatomy.lung_depth, self.dome_top(side)
        height = 1.55 * self.anatomy.dome_height
        u = (side * grid.x - 0.47 * width) / (0.55 * width)
        v = np.minimum(grid.y - top - height, 0.0) / height
        half = 0.98 * depth * np.sqrt(np.clip(1 - np.abs(u) ** 2.2 - v**2, 0, None))
        return 0.08 * depth - half, 0.08 * depth + half
