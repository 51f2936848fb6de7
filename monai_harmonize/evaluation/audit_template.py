"""The page of an audit as a Jinja template: no script, no external file, prints on A4."""

__all__ = ["AUDIT_TEMPLATE"]

AUDIT_TEMPLATE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Audit: {{ provenance["Bundle"] }}</title>
<style>
body { font: 16px/1.5 system-ui, "Segoe UI", Roboto, Arial, sans-serif; color: #1a1a1a; background: #fff;
       max-width: 1000px; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.15rem; font-weight: 600; color: #555; margin: 0; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .4rem; border-bottom: 2px solid #ddd; padding-bottom: .2rem; }
.headline { font-size: 1.75rem; line-height: 1.25; font-weight: 650; margin: .3rem 0 1rem; }
.verdict { color: #fff; border-radius: 4px; padding: .05em .5em; text-transform: uppercase; }
.pass { background: #00785a; } .warn { background: #9a6600; } .fail { background: #b84a00; }
.tiles { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1rem 0; }
.tile { flex: 1 1 200px; border: 1px solid #ccc; border-left: 6px solid #0072B2; border-radius: 4px;
        padding: .5rem .9rem; }
.tile b { display: block; font-size: 1.9rem; line-height: 1.2; }
.tile small, .note, figcaption { color: #555; }
figure { margin: 1rem 0; break-inside: avoid; }
figure img { max-width: 100%; height: auto; }
figcaption { font-size: .92rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; margin: .6rem 0; }
th, td { padding: .35rem .5rem; text-align: left; border-bottom: 1px solid #ddd; vertical-align: top; }
@page { size: A4; margin: 14mm; }
</style>
</head>
<body>
<header>
<h1>Audit: {{ provenance["Bundle"] }}</h1>
<p class="headline"><span class="verdict {{ audit.verdict }}">{{ audit.verdict }}</span> {{ headline }}</p>
</header>
<main>
<ul>{% for reason in audit.reasons %}<li>{{ reason }}</li>{% else %}<li>Every bar was kept.</li>{% endfor %}</ul>
<div class="tiles">
{% for tile in tiles %}<div class="tile">
<span>{{ tile.name }}</span><b>{{ tile.value }}</b><small>{{ tile.detail }}</small>
</div>
{% endfor %}</div>

<h2>What happens to lesions</h2>
{{ figure("lesions") }}
{{ figure("contrast") }}

<h2>Lesions in healthy patients</h2>
{{ figure("false_lesions") }}
{% if audit.disagreement %}<h2>Where trainings disagree</h2>
{{ figure("disagreement") }}
{% endif %}
<h2>Where these numbers come from</h2>
<table><tbody>
{% for name, value in provenance.items() %}<tr><th scope="row">{{ name }}</th><td>{{ value }}</td></tr>
{% endfor %}<tr><th scope="row">Deleted</th><td>Contrast and contrast-to-noise ratio both below
{{ "{:.0%}".format(rules.deleted_share) }} of the source's and of what the nearest increasing curve leaves</td></tr>
<tr><th scope="row">False lesion</th><td>Inside the lungs, {{ "{:.0f}".format(rules.lesion_like.smallest) }} to
{{ "{:.0f}".format(rules.lesion_like.largest) }} mm&sup2;, compact, on average
{{ "{:.0%}".format(rules.lesion_like.amplitude) }} of the grey scale brighter than
the best curve and filter make it</td></tr>
<tr><th scope="row">Intervals</th><td>95%: exact for rates, bootstrap over patients for medians</td></tr>
</tbody></table>
<p class="note">Phantoms are no patients. A pass shows that nothing was found on them: with no event among n patients
the true rate can still be about 3/n. It does not show that a finding outside the phantoms' kinds survives, nor that the
images are fit for reading by a physician. A fail is a reason not to use these weights.</p>
</main>
</body>
</html>
"""
