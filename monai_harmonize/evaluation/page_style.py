"""How every report looks: one style sheet, no script, no external file, prints on A4."""

__all__ = ["page_head"]

PAGE_STYLE = """
body { font: 16px/1.5 system-ui, "Segoe UI", Roboto, Arial, sans-serif; color: #1a1a1a; background: #fff;
       max-width: 1120px; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.15rem; font-weight: 600; color: #555; margin: 0; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .4rem; border-bottom: 2px solid #ddd; padding-bottom: .2rem; }
.headline { font-size: 1.75rem; line-height: 1.25; font-weight: 650; margin: .3rem 0 1rem; }
.tiles { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1rem 0; }
.tile { flex: 1 1 200px; border: 1px solid #ccc; border-left: 6px solid #0072B2; border-radius: 4px;
        padding: .5rem .9rem; }
.tile b { display: block; font-size: 1.9rem; line-height: 1.2; }
.tile small, td small, .note, figcaption { color: #555; }
.warnings { border: 1px solid #D55E00; border-left: 6px solid #D55E00; border-radius: 4px;
            padding: .5rem 1rem; background: #fff6f0; }
.warnings ul { margin: .2rem 0; padding-left: 1.2rem; }
figure { margin: 1rem 0; break-inside: avoid; }
figure img { max-width: 100%; height: auto; }
figcaption { font-size: .92rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; margin: .6rem 0; break-inside: avoid; }
th, td { padding: .35rem .5rem; text-align: right; border-bottom: 1px solid #ddd; vertical-align: top; }
th { font-weight: 600; }
th:first-child, td:first-child { text-align: left; }
td small { display: block; white-space: nowrap; font-size: .78rem; }
tr.own { background: #eaf6f2; font-weight: 600; }
tr.own small { font-weight: 400; }
.groups td, .groups th { text-align: center; border-bottom: 0; color: #555; font-weight: 400; }
.names td, .names th { text-align: left; }
.names .number { text-align: right; }
td.file { overflow-wrap: anywhere; }
@media print {
  body { padding: 0; font-size: 10pt; }
  h2 { break-after: avoid; }
  .scroll { overflow: visible; }
}
@page { size: A4; margin: 14mm; }
td.bad, tr.bad td:first-child { color: #C00000; font-weight: 650; }
.inverted { border: 1px solid #C00000; border-left: 6px solid #C00000; border-radius: 4px; padding: .5rem 1rem;
            background: #fff0f0; }
td.paper { color: #777; font-style: italic; }
"""


def page_head(title: str) -> str:
    """A page's beginning, up to the opened body; a Jinja template as ``title`` is."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{PAGE_STYLE}</style>
</head>
<body>
"""
