"""Shopify: templates/robots.txt.liquid, which repeats the groups that a shop has anyway.

**Facts** (https://shopify.dev/docs/storefronts/themes/seo/robots-txt; from memory, not re-read)
- `robots.default_groups` holds the groups of every shop, each with `user_agent`, `rules` and `sitemap`. Own rules are printed
  in the loop, own groups follow it. A shop without such a template gets changes of the default groups; so does one that loops.
- Liquid: `{%-` eats the line end before it, so a line of ours would run into the next. OURS: nothing is trimmed but values, and
  a line that has a brace is not written.
"""
from __future__ import annotations

from collections.abc import Sequence

from . import Files, plain

TEMPLATE = "templates/robots.txt.liquid"
SHOP = ("User-agent: *", "User-agent: adsbot-google", "User-agent: AhrefsBot")       # groups of every shop, in part

_HEAD = "{% for group in robots.default_groups %}{{ group.user_agent | strip }}\n"
_TAIL = """{% for rule in group.rules %}{{ rule | strip }}
{% endfor %}{% if group.sitemap != blank %}{{ group.sitemap | strip }}
{% endif %}
{% endfor %}
"""


def write(everyone: Sequence[str], after: Sequence[str]) -> dict[str, str]:
    """Lines of robots.txt: in each of its groups, and after them."""
    own, rest = ("".join(f"{plain(line, '{}')}\n" for line in lines) for lines in (everyone, after))
    return {TEMPLATE: f"{_HEAD}{own}{_TAIL}{rest}"}


def read_robots(files: Files) -> str:
    """What a shop answers with this template."""
    loop, _, rest = files[TEMPLATE].partition(_TAIL)
    own = loop.removeprefix(_HEAD)
    return "".join(f"{group}\n{own}Disallow: /checkout\n\n" for group in SHOP) + rest
