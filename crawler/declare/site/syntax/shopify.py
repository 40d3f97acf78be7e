"""Shopify: templates/robots.txt.liquid, which repeats the groups that a shop has anyway.

**Facts** (https://shopify.dev/docs/storefronts/themes/seo/robots-txt; from memory, not re-read)
- `robots.default_groups` holds the groups of every shop, each with `user_agent`, `rules` and `sitemap`. Own rules are printed
  in the loop, own groups follow it. A shop without such a template gets changes of the default groups; so does one that loops.
- Liquid has no escape in a string, so a line with its quotation mark cannot be written.
"""
from __future__ import annotations

import re
from collections.abc import Sequence

from . import Files, plain

TEMPLATE = "templates/robots.txt.liquid"
SHOP = ("User-agent: *", "User-agent: adsbot-google", "User-agent: AhrefsBot")       # groups of every shop, in part

_LINE = re.compile(r"^  \{\{ '([^']*)' \}\}$", re.MULTILINE)


def write(everyone: Sequence[str], after: Sequence[str]) -> dict[str, str]:
    """Lines of robots.txt: in each of its groups, and after them."""
    own = "".join("  {{ '" + plain(line, "'{}") + "' }}\n" for line in everyone)
    rest = "".join(plain(line, "{}") + "\n" for line in after)
    return {TEMPLATE: f"""{{% for group in robots.default_groups %}}
  {{{{- group.user_agent }}}}
{own}  {{%- for rule in group.rules -%}}
    {{{{ rule }}}}
  {{%- endfor -%}}
  {{%- if group.sitemap != blank -%}}
    {{{{ group.sitemap }}}}
  {{%- endif -%}}
{{% endfor %}}
{rest}"""}


def read_robots(files: Files) -> str:
    """What a shop answers with this template."""
    loop, _, rest = files[TEMPLATE].partition("{% endfor %}\n")
    own = _LINE.findall(loop)
    return "\n".join([*(line for group in SHOP for line in (group, *own, "Disallow: /checkout", "")), rest])
