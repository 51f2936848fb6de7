"""The page of a study as a Jinja template: no script, no external file, prints on A4."""

from monai_harmonize.evaluation.page_style import page_head

__all__ = ["STUDY_TEMPLATE"]

STUDY_TEMPLATE = (
    page_head('Classification study: {{ sites | join(", ") }}')
    + """<header>
<h1>Does a classifier keep working at another site? {{ sites | join(", ") }}</h1>
<p class="headline">{{ headline }}</p>
</header>
<main>
{% if inversions %}<div class="inverted" role="note"><strong>Inverted images: light and dark changed places</strong>
<ul>{% for sentence in inversions %}<li>{{ sentence }}</li>{% endfor %}</ul>
<p>An inverted image shows dense tissue dark. Do not use these outputs, whatever the classifier makes of them.</p>
</div>
{% else %}<p>No harmonized image is inverted: in every one the ranks agree with the input's, and at most 30% of the
edges changed their side.</p>
{% endif %}
{{ rocs }}
{% for part in parts %}
<h2>{{ part.direction.source }} images, classifier of {{ part.direction.target }}</h2>
{% if part.warnings %}<div class="warnings"><strong>Before you rely on this</strong>
<ul>{% for warning in part.warnings %}<li>{{ warning }}</li>{% endfor %}</ul></div>
{% endif %}<ul>{% for sentence in part.sentences %}<li>{{ sentence }}</li>
{% endfor %}</ul>
<h3>Table 2. What the classifier makes of the images</h3>
{{ part.areas }}
<h3>Table 1. What happened to the images</h3>
{{ part.similarity }}
{{ part.examples }}
{{ part.histograms }}
{{ part.patches }}
{% endfor %}
<p class="note">Small print. AUC: mean over the classifier's trainings, ± their standard deviation; 95%
intervals from {{ resamples }} bootstrap resamples of patients, stratified by class, with the trainings as they
are. p against raw: DeLong's paired test on the mean log odds of the trainings, two-sided; Holm: corrected over
the methods of the direction. Tests of single trainings and against the own site's images (other patients, hence
unpaired) are in delong.csv. Loss recovered: (method − raw) / (own − raw); a dash where the interval of the loss
holds 0. Sensitivity and specificity at the threshold that was chosen at the classifier's own site. ECE:
expected calibration error, 15 bins. SSIM: Gaussian window of 11 pixels, fixed data range of 1; ± is the
standard deviation over images. Inverted: ranks inside the body anticorrelate with the input's, or more than
half of the edges changed their side; in places: more than 30% did.
{{ paper }}</p>
<h2>Where these numbers come from</h2>
<table class="names"><tbody>
{% for name, value in provenance.items() %}<tr><th scope="row">{{ name }}</th><td>{{ value }}</td></tr>
{% endfor %}</tbody></table>
<p class="note">A classifier that works better shows that the images suit the classifier. It does not show that they are
fit for reading by a physician.</p>
</main>
</body>
</html>
"""
)
