"""The shell of every HTML page that we write: one file, no request, nothing of strangers that runs.

    html = render("ledger.html", Catalogue("de"), title="...", data=value, ledger=value)

A page is a template in `templates/` that begins with `{% extends "page.html" %}`, imports parts.html and fills the block
`main`:

    {% extends "page.html" %}
    {% import "parts.html" as parts with context %}
    {% block main %}
      <section aria-labelledby="held"><h2 id="held">{{ t("ledger.held") }}</h2>
        {{ parts.table(t("ledger.held"), [t("ledger.holder"), t("ledger.amount")], rows, numbers=[1]) }}
      </section>
    {% endblock %}

In templates `t(id, **parameters)` is Catalogue.html, `number(n)` writes a number, `link(url, text)` makes a link of http
and https alone. Every value is escaped, what it hides is shown (bidirectional and invisible characters), and it is cut at
2,000 characters; `value|whole` is not cut. parts.html has what pages share: `status` (icon, word and colour), `table`
(cards on a phone), `code` (with a button that copies), `tally`, `bars`. More styles: `style=`, as text. There is no
`style` attribute and no handler in a page: its policy refuses them. For a drawing write SVG with attributes (`fill`,
`width`) or classes of page.css.

**Facts**
- A policy may stand in <meta http-equiv> and governs what follows it; hashes admit one style and one script (CSP Level 3,
  https://www.w3.org/TR/CSP3/#meta-element and #grammardef-hash-source).
- A data block is not run whatever it holds, and ends at `</script`, or hides its end after `<!--<script` (HTML, 4.12.1.3,
  https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements): every `<` in it is
  escaped.
- A browser asks a server for /favicon.ico unless the page names an icon: ours is an empty `data:`.
"""
from __future__ import annotations

import json
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from ..terminal import harmless
from .catalogue import Catalogue, shown

DATA = "maymine-data"                # the id of the data block


def render(template: str, say: Catalogue, /, title: str, data: object = None, style: str = "", **values: Any) -> str:
    """One page, whole. `data`, a JSON value, is embedded so that the page can be made again (`embedded`)."""
    css, script = _part("page.css") + style, _part("page.js")
    ours = {"style": Markup(css), "script": Markup(script), "policy": _policy(css, script)}   # noqa: S704, ours
    return _environment().get_template(template).render(
        **values, **ours, title=title, t=say.html, number=say.number, lang=say.language, data_id=DATA,
        data=None if data is None else block(data))


def block(value: object) -> Markup:
    """A JSON value for a data block."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    text = re.sub("[<>&\u2028\u2029\ud800-\udfff]", lambda m: f"\\u{ord(m[0]):04x}", text)
    return Markup(text)              # noqa: S704, nothing in it ends or escapes the block


def embedded(html: str) -> Any:
    """The value that a page carries. ValueError: it carries none that can be read."""
    _, _, rest = html.partition(f'<script type="application/json" id="{DATA}">')     # only we write `<` unescaped
    text, end, _ = rest.partition("</script>")
    if not end:
        raise ValueError("the page carries no data of ours")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the data in the page cannot be read: {error}") from error


def link(url: object, text: object = None) -> Markup:
    """A link, where the address is one that can be followed; otherwise what it says, as text."""
    address = str(url)
    label = shown(address if text is None else text)
    try:
        followed = urlsplit(address).scheme in ("http", "https") and bool(urlsplit(address).hostname) \
            and harmless(address) == address
    except ValueError:
        followed = False
    if not followed or len(address) > LONGEST:
        return label if text is not None else Markup('<code class="quote">%s</code>') % label
    return Markup('<a href="%s" rel="noopener noreferrer nofollow">%s</a>') % (address, label)


LONGEST = 2_048                      # characters of an address that is made a link


def _policy(css: str, script: str) -> str:
    def digest(text: str) -> str:
        return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
    return (f"default-src 'none'; style-src {digest(css)}; script-src {digest(script)}; img-src data:; "
            "base-uri 'none'; form-action 'none'")


@cache
def _environment() -> Environment:
    made = Environment(loader=FunctionLoader(_part), autoescape=True, undefined=StrictUndefined, finalize=_finalize,
                       trim_blocks=True, lstrip_blocks=True)
    made.globals["link"] = link
    made.filters["whole"] = lambda value: shown(value, 0)
    return made


def _finalize(value: Any) -> Any:
    return shown(value) if isinstance(value, str) else value


@cache
def _part(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text("utf-8")
