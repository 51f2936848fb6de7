"""Tables of a report as HTML: a number per cell, with its interval or other details in small print below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

__all__ = ["Cell", "cell", "estimate_cell", "number", "page_table"]

TABLE = """<div class="scroll"><table>
<thead><tr>{% for column in columns %}<th>{{ column }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in rows %}<tr{% if row.style %} class="{{ row.style }}"{% endif %}><td>{{ row.name }}</td>
{%- for cell in row.cells %}<td{% if cell.style %} class="{{ cell.style }}"{% endif %}>{{ cell.value }}
{%- for line in cell.details %}<small>{{ line }}</small>{% endfor %}</td>
{%- endfor %}</tr>
{% endfor %}</tbody>
</table></div>"""

Cell = dict[str, Any]


def page_table(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> Markup:
    """The table.

    Args:
        columns: headings, that of the names first.
        rows: ``name``, ``style`` (class of the row, may be empty) and ``cells``.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return Markup(environment.from_string(TABLE).render(columns=columns, rows=rows))  # noqa: S704 - escaped by Jinja


def cell(value: str, details: Sequence[str] = (), style: str = "") -> Cell:
    """A value and the lines below it."""
    return {"value": value, "details": list(details), "style": style}


def estimate_cell(row: Any, name: str, form: str, sd: float = float("nan"), style: str = "") -> Cell:
    """Value ``name`` of a row with its standard deviation and its ends, ``<name>_low`` and ``<name>_high``."""
    details = [] if pd.isna(sd) else [f"± {form.format(sd)}"]
    if pd.notna(row[f"{name}_low"]):
        details.append(f"{form.format(row[f'{name}_low'])} to {form.format(row[f'{name}_high'])}")
    return cell(number(row[name], form), details, style)


def number(value: Any, form: str) -> str:
    """Formatted, or a dash where there is none."""
    return "–" if pd.isna(value) else form.format(value)
