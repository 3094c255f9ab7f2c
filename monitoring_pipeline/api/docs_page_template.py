"""How the page of the API looks: no script, nothing loaded, readable in light and dark."""

STYLE = """\
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
details { border: 1px solid #8886; border-radius: .4rem; margin: .5rem 0; padding: .5rem 1rem; }
summary { cursor: pointer; }
code, pre { font: .85rem/1.5 ui-monospace, monospace; }
pre { overflow-x: auto; padding: .5rem; background: #8882; border-radius: .3rem; }
.method { display: inline-block; min-width: 4rem; font-weight: 600; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884; }
.muted { opacity: .7; }
"""

TEMPLATE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ info.title }}</title>
<style>{{ style | safe }}</style>
</head>
<body>
<h1>{{ info.title }}</h1>
<p>{{ info.description }}</p>
<p class="muted">For programs: <a href="openapi.json">openapi.json</a>. A token goes into the header
<code>Authorization: Bearer …</code>; <code>monitor token create</code> makes one. Errors are
<code>application/problem+json</code>.</p>
{% for group, operations in groups.items() %}
<h2>{{ group }}</h2>
{% for one in operations %}
<details>
<summary><code class="method">{{ one.method }}</code> <code>{{ one.path }}</code> {{ one.summary }}</summary>
<p>{{ one.description }}</p>
{% if one.parameters %}
<table>
<tr><th>parameter</th><th>in</th><th>type</th><th>default</th><th>meaning</th></tr>
{% for parameter in one.parameters %}
<tr><td><code>{{ parameter.name }}</code></td><td>{{ parameter.place }}</td>
<td>{{ parameter.choices | join(", ") if parameter.choices else parameter.kind }}</td>
<td>{% if parameter.required %}required{% elif parameter.default is not none %}<code>{{ parameter.default }}</code>
{% endif %}</td>
<td>{{ parameter.description }}</td></tr>
{% endfor %}
</table>
{% endif %}
{% for example in one.sent %}
<p>Body:</p>
<pre>{{ example }}</pre>
{% endfor %}
<pre>{{ one.curl }}</pre>
<table>
<tr><th>answer</th><th>meaning</th></tr>
{% for answer in one.answers %}
<tr><td>{{ answer.status }}</td><td>{{ answer.description }}
{% if not answer.is_problem %}<span class="muted">{{ answer.kinds | join(", ") }}</span>{% endif %}
{% for example in answer.examples %}
<pre>{{ example }}</pre>
{% endfor %}
</td></tr>
{% endfor %}
</table>
</details>
{% endfor %}
{% endfor %}
</body>
</html>
"""
