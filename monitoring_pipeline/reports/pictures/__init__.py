"""Pictures drawn as SVG, one module for each: no script, no font, no file beside the page.

Everything that came from users goes through :class:`markupsafe.Markup`, which escapes it. Colours are classes of the
page's style sheet, so that one picture serves light and dark screens and paper.
"""
