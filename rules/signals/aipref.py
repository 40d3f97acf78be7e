"""AIPREF usage preferences: the dictionary that `Content-Usage` carries, and its response field.

Facts (draft-ietf-aipref-vocab-08 and draft-ietf-aipref-attach-05, https://datatracker.ietf.org/doc/draft-ietf-aipref-attach/05/)
- vocab 4: three categories, `train-ai` (generative models), `ai-use` and `search`, none inside another.
- vocab 6: the value is an RFC 9651 Dictionary; the Token `y` allows, the Token `n` disallows. Any other token, a string, a list
  or a bare key leaves the category unknown and is no error. Unknown keys and parameters are ignored.
- RFC 9651 4.2: field lines of one name are one dictionary; the last member of a key counts, with its own parameters only. Where
  the dictionary does not parse, all of it is unknown.
- CC signals 0.1 (prototype, https://github.com/creativecommons/cc-signals): the parameter `exceptions` of a category names what
  the publisher asks for in return. Under vocab 6 it is ignored. OURS: it is shown as terms of the refusal, which stays one.
- attach 3: the field speaks of the content of the message that carries it.
- Labels of earlier revisions are found on live sites. OURS: their `n` is read as legacy, their `y` is not (vocab.TERMS).
- OURS: what does not parse and still holds something like `=n` is malformed, so that nobody takes it for silence.
"""
from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from ..limits import QUOTE_CHARS
from ..model import Asker, Asset, Carrier, Evidence, Fault, FaultKind, Finding, Form, Preference, Statement, Terms
from ..vocab import Term, meaning
from . import http_fields

if TYPE_CHECKING:
    from http_sfv.dictionary import Dictionary

CC_SIGNALS = frozenset({"cc-cr", "cc-cr-dc", "cc-cr-ec", "cc-cr-op"})
FIELD = b"content-usage"
PREFERENCES = {"y": Preference.ALLOW, "n": Preference.DISALLOW}

_REFUSAL = re.compile(r"=\s*[\"']?n", re.IGNORECASE)


def parse(value: str) -> list[tuple[Term, Preference]]:
    """What a dictionary states, in the order of its keys; nothing where it does not parse."""
    from http_sfv.types import Token
    return [(term, PREFERENCES[str(member.value)]) for key, member in (_dictionary(value) or {}).items()
            if (term := meaning("aipref", key)) and isinstance(getattr(member, "value", None), Token)
            and str(member.value) in PREFERENCES]


def terms(value: str, key: str) -> Terms | None:
    """What CC signals offer against the refusal of a category."""
    if "exceptions" not in value:
        return None
    from http_sfv.types import Token
    found = _dictionary(value)
    member = found.get(key) if found else None
    asked = member.params.get("exceptions") if member is not None else None
    return Terms(conditions=(str(asked),)) if isinstance(asked, Token) and str(asked) in CC_SIGNALS else None


def intent_unparsed(value: str) -> bool:
    """Whether a value that is no dictionary seems to refuse something."""
    return bool(_REFUSAL.search(value)) and _dictionary(value) is None


@lru_cache(256)                      # a file repeats itself, and lines are bounded
def _dictionary(value: str) -> Dictionary | None:
    from http_sfv.dictionary import Dictionary  # 8 ms that `import rules` does without
    found = Dictionary()
    if not (text := value.strip(" ")):
        return found
    try:
        found.parse(text.encode())
    except ValueError:
        return None
    return found


def header(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    lines = http_fields.values(evidence.body, FIELD)
    if not lines:
        return []
    value = ", ".join(line for line in lines if line)
    quote = value[:QUOTE_CHARS]
    if intent_unparsed(value):
        return [Fault(Carrier.HTTP_FIELDS, FaultKind.MALFORMED, "no dictionary, but it seems to refuse: " + quote,
                      "content-usage")]
    return [Statement("aipref.header", use, preference, form=term.form, where="content-usage", quote=quote,
                      terms=terms(value, term.word) if preference is Preference.DISALLOW else None,
                      note=term.spec if term.form is Form.LEGACY else "")
            for term, preference in parse(value) for use in term.about(preference)]
