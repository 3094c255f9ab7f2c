"""How the page of the API looks: no script, nothing loaded, readable in light and dark."""

STYLE = """\
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --card: #ffffff; --ink: #1d2125; --soft: #646b73; --line: #dcdcd6; --code: #f1f0eb;
  --read: #2456a6; --write: #2f7d5b; --end: #c2352b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --card: #1b1f23; --ink: #e8e8e4; --soft: #9aa2aa; --line: #3a4148; --code: #262b30;
    --read: #7fa9f5; --write: #5cc195; --end: #f0736a;
  }
}
* { box-sizing: border-box; }
body { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 3rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { margin: 0; font-size: 1.75rem; line-height: 1.2; }
h2 { margin: 1.75rem 0 .5rem; font-size: 1.05rem; text-transform: capitalize; }
a { color: var(--read); }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 1rem 0 0; }
details { margin: .4rem 0; padding: .5rem .9rem; background: var(--card); border: 1px solid var(--line);
  border-radius: .5rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
summary .muted { display: block; padding-left: 5.1rem; }
code, pre { font: .85rem/1.5 ui-monospace, SFMono-Regular, Menlo, monospace; }
pre { margin: .5rem 0; padding: .5rem .75rem; background: var(--code); border-radius: .3rem; white-space: pre-wrap;
  overflow-wrap: anywhere; }
.method { display: inline-block; min-width: 4rem; font-weight: 600; color: var(--read); }
.post, .put, .patch { color: var(--write); } .delete { color: var(--end); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td:last-child { overflow-wrap: anywhere; }
details details { border: 0; padding: .25rem 0; }
.muted { color: var(--soft); }
"""

TEMPLATE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{ info.title }}</title>
<style>{{ style | safe }}</style>
</head>
<body>
<h1>{{ info.title }}</h1>
<p>{{ info.description }}</p>
<p class="muted">Open an address for its parameters, its answers and a line to copy. A token goes into the header
<code>Authorization: Bearer …</code>; <code>monitor token create</code> makes one, and none is asked for on loopback
as long as none was made. Errors are <code>application/problem+json</code>. For programs:
<a href="openapi.json">openapi.json</a>.</p>
<nav>
{% for group in groups %}
<a href="#{{ group | urlencode }}">{{ group }}</a>
{% endfor %}
</nav>
{% for group, operations in groups.items() %}
<h2 id="{{ group | urlencode }}">{{ group }}</h2>
{% for one in operations %}
<details>
<summary><code class="method {{ one.method | lower }}">{{ one.method }}</code> <code>{{ one.path }}</code>
<span class="muted">{{ one.summary }}</span></summary>
{% if one.description %}
<p>{{ one.description }}</p>
{% endif %}
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
<pre>{{ one.curl }}</pre>
{% for example in one.sent %}
<p class="muted">Body{{ ", or" if not loop.first }}</p>
<pre>{{ example }}</pre>
{% endfor %}
{% for answer in one.answers %}
<p class="muted">Answer {{ answer.status }}: {{ answer.kinds | join(", ") or "without a body" }}</p>
{% for example in answer.examples %}
<pre>{{ example }}</pre>
{% endfor %}
{% endfor %}
<details>
<summary class="muted">What is refused</summary>
<table>
{% for problem in one.problems %}
<tr><td>{{ "others" if problem.status == "default" else problem.status }}</td><td>{{ problem.description }}</td></tr>
{% endfor %}
</table>
</details>
</details>
{% endfor %}
{% endfor %}
</body>
</html>
"""
