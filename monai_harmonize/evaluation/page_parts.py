"""What every report says and shows in the same way: guarantee classes in words, figures inside the page."""

from __future__ import annotations

import base64
import io

from markupsafe import Markup
from matplotlib.figure import Figure

__all__ = ["GUARANTEES", "embedded"]

GUARANTEES = {
    "G0": "one increasing curve per image; no structure can appear, vanish or invert.",
    "G1": "an increasing curve that varies smoothly over the image; no inversion, added contrast is bounded.",
    "G2": "an increasing curve and one bounded radial gain; detail is amplified or damped, never created.",
    "G3": "a smoothly varying increasing curve and a residual of bounded size.",
    "G4": "none. This kind of network can add or remove structure; the numbers here are what was measured.",
}
# The widest figure, 13 inches, then fills the page.
CSS_PIXELS_PER_INCH = 86


def embedded(figure: Figure, caption: str) -> Markup:
    """The figure as an HTML element that needs no other file, its caption below."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    image = Markup(
        '<figure><img alt="{0}" width="{1}" src="data:image/png;base64,{2}"><figcaption>{0}</figcaption></figure>'
    )
    return image.format(caption, round(figure.get_figwidth() * CSS_PIXELS_PER_INCH), data)
