"""The page of an evaluation report as a Jinja template: no script, no external file, prints on A4."""

from monai_harmonize.evaluation.page_style import page_head

__all__ = ["REPORT_TEMPLATE"]

REPORT_TEMPLATE = (
    page_head("Harmonization report: {{ source_site }} to {{ target_site }}")
    + """<header>
<h1>Harmonization report: {{ source_site }} → {{ target_site }}</h1>
<p class="headline">{{ verdict.headline }}</p>
</header>
<main>
<div class="tiles">
{% for tile in tiles %}<div class="tile">
<span>{{ tile.name }}</span><b>{{ tile.value }}</b><small>{{ tile.detail }}</small>
</div>
{% endfor %}</div>
{% if verdict.warnings %}<div class="warnings" role="note"><strong>Before you rely on this</strong>
<ul>{% for warning in verdict.warnings %}<li>{{ warning }}</li>{% endfor %}</ul></div>
{% endif %}<ul>{% for finding in verdict.findings %}<li>{{ finding }}</li>
{% endfor %}<li>Guarantee class {{ guarantee_class }}: {{ guarantee }}</li></ul>

<h2>Images</h2>
{{ figure("panel") }}

<h2>How far is each set of images from {{ target_site }}?</h2>
{{ figure("distance") }}
{{ figure("histograms") }}

<h2>The three conditions in numbers</h2>
<div class="scroll"><table>
<thead>
<tr class="groups"><td></td>
{%- for group in table.groups %}<th colspan="{{ group.span }}">{{ group.name }}</th>{% endfor %}</tr>
<tr><th>Images</th>{% for column in table.columns %}<th>{{ column }}</th>{% endfor %}</tr>
</thead>
<tbody>
{% for row in table.rows %}<tr{% if row.own %} class="own"{% endif %}><td>{{ row.name }}</td>
{%- for cell in row.cells %}<td>{{ cell.value }}
{%- for line in cell.details %}<small>{{ line }}</small>{% endfor %}</td>
{%- endfor %}</tr>
{% endfor %}</tbody>
</table></div>
<p class="note">Small print: 95% intervals from {{ resamples }} bootstrap resamples of patients; ± is the
standard deviation over images. Distances are between sites: histograms are averaged over all images, each
image weighing the same. W1 is the 1-Wasserstein distance (share of the grey scale), JS the Jensen-Shannon
distance (base 2, 64 bins; 0 equal, 1 nothing in common). SSIM: Gaussian window of 11 pixels, fixed data
range of 1. Residual: output minus the best increasing function of the input; root mean square, share of the
grey scale. Edges kept: share of the steepest quarter of pixels whose gradient turns by less than 90
degrees.</p>
{{ figure("similarity") }}
{% if classification %}
<h2>Does a classifier of {{ target_site }} work better on them?</h2>
{{ classification }}
{% endif %}
<h2>Look at these first</h2>
<p>The outputs with the largest residual. A tone curve cannot explain it: structure was added, removed,
sharpened or blurred, or noise was changed.</p>
<div class="scroll"><table class="names">
<thead><tr><th>Image</th>
{%- for column in worst.columns %}<th class="number">{{ column }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in worst.rows %}<tr><td class="file">{{ row.name }}</td>
{%- for cell in row.cells %}<td class="number">{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody>
</table></div>
{% if missing %}<h2>Not evaluated</h2>
<p>No harmonized file was found for:</p>
<ul>{% for name in missing %}<li>{{ name }}</li>{% endfor %}</ul>
{% endif %}
<h2>Where these numbers come from</h2>
<table class="names"><tbody>
{% for name, value in provenance.items() %}<tr><th scope="row">{{ name }}</th><td>{{ value }}</td></tr>
{% endfor %}</tbody></table>
<p class="note">A small distance shows that the site looks like {{ target_site }}. It does not show that a
model works better on it, nor that the images are fit for reading by a physician: brightness can carry
diagnosis.{% if not classification %} Measure the model, too.{% endif %}</p>
</main>
</body>
</html>
"""
)
