"""The values of metadata: names, texts and addresses, as pages write them."""
from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127, 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)), " ")


def same_page(a: str, b: str) -> bool:
    """Whether two addresses name one page, but for scheme, `www.`, query, fragment and a slash at the end."""
    return _bare(a) == _bare(b)


def _bare(url: str) -> str:
    return url.split("#")[0].split("?")[0].split("://")[-1].removeprefix("www.").rstrip("/").lower()


def type_of(name: str) -> str:
    """Last part of a name, in lower case: `https://schema.org/ImageObject`, `schema:ImageObject`."""
    return re.split(r"[/:#]", name.strip())[-1].lower()


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def texts(value: Any) -> Iterator[str]:
    """The texts of a value: itself, the address of the thing that it is, or each of many."""
    for each in (value if isinstance(value, list) else (value,)):
        if isinstance(each, dict):
            each = next((v for key in ("@value", "@id", "id", "url", "name") if isinstance(v := each.get(key), str)), None)
        if isinstance(each, bool):
            yield str(each)
        elif isinstance(each, str) and each.strip():
            yield each.strip()


def clean(text: str) -> str:
    """What XML can hold."""
    return text.translate(_CONTROLS)
