"""The page of a style study as a Jinja template: no script, no external file, prints on A4."""

from monai_harmonize.evaluation.page_style import page_head

__all__ = ["STYLE_TEMPLATE"]

STYLE_TEMPLATE = (
    page_head('Style study: {{ looks | join(", ") }}')
    + """<header>
<h1>Does a segmentation keep working on another look of CT? {{ looks | join(", ") }}</h1>
<p class="headline">{{ headline }}</p>
</header>
<main>
{% if warnings %}<div class="warnings"><strong>Before you rely on this</strong>
<ul>{% for warning in warnings %}<li>{{ warning }}</li>{% endfor %}</ul></div>
{% endif %}<ul>{% for sentence in findings %}<li>{{ sentence }}</li>
{% endfor %}</ul>
<h2>Table 2. Segmentation with and without styles in training</h2>
{{ scores }}
{{ segmentation }}
{{ segmented }}
<h2>Table 1. Methods of style transfer</h2>
{{ methods }}
{{ drawn }}
{% if extractors %}<h2>Extractors (Figs. 8 and 9)</h2>
{{ extractors }}
{% for figure in by_extractor %}{{ figure }}
{% endfor %}{% endif %}
<p class="note">Small print. 95% intervals from {{ resamples }} bootstrap resamples of patients, with the networks as
they are; a patient who is shown in several looks is drawn in all of them, so that differences are paired. ± is the
standard deviation over trainings. Loss: mean IoU of the plain network at home minus on this look, in points.
Regained: (network − plain) / loss; a dash where the interval of the loss holds 0 or the loss is below one point. Mean
IoU: over background and spine, voxels of one volume together, mean over volumes. Table 1 is of {{ slices }} slices of
each home test patient, drawn in each learned look. CIS: how much the outputs of one slice in these looks differ to
{{ classifier }} ({{ accuracy }}), in nats; higher is more diverse, {{ largest }} at most; the paper calls low good in
one place and bad in another. Look recognized: share of slices in which it sees the look that was asked for. SSIM on
[0, 1], Gaussian window of 11 pixels. Mean IoU, brought home: images of the learned looks drawn in the home look,
segmented by the plain network of home.
{{ paper }}</p>
<h2>Where these numbers come from</h2>
<table class="names"><tbody>
{% for name, value in provenance.items() %}<tr><th scope="row">{{ name }}</th><td>{{ value }}</td></tr>
{% endfor %}</tbody></table>
<p class="note">A segmentation that works better shows that the images suit it. It does not show that they are fit for
reading by a physician.</p>
</main>
</body>
</html>
"""
)
