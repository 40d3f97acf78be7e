"""Which readers a body concerns: one look for the words that they all wait for, instead of one each.

Facts (OURS)
- A reader is called where the body holds one of its triggers (SIGNALS, `triggers`); one without triggers always.
- INVARIANT (tested): a reader that is not called would have found nothing. `exact` calls all, and has them read all of a page.
- All are called, too, where words cannot be told by a look: containers, texts in UTF-16, pages beyond a cap, which are faults.
- A page in another encoding than UTF-8 is looked at as it stands and as it is meant.
"""
from __future__ import annotations

from functools import cache, lru_cache

from . import html, metadata, prefilter_fields
from .containers import kind
from .html import METAS, utf8
from .limits import HTML_BYTES
from .memo import latest
from .model import Asset, Carrier, Evidence
from .scan import Scan, Word
from .signals import READERS, TRIGGERS, Reader, prose

BODY = READERS[Carrier.BODY]
_START_BYTES = 64


IN_FULL = tuple(prose.page_exact if reader is prose.page else reader for reader in BODY)


def readers(evidence: Evidence, *, exact: bool = False) -> tuple[Reader, ...]:
    """Those who could find something in the bytes, in the order of READERS."""
    if evidence.carrier is Carrier.HTTP_FIELDS and not exact:
        return prefilter_fields.concerned(evidence.body)
    if evidence.carrier is not Carrier.BODY:
        return READERS[evidence.carrier]
    return IN_FULL if exact else _concerned(evidence.body)


def read_in_full(evidence: Evidence, asset: Asset) -> None:
    """Parse all of a page for the readers that come next, who else would make do with less."""
    html.read(evidence, asset, exact=True)
    metadata.read(evidence.body, asset.media_type, evidence.final_uri or evidence.uri, exact=True)


@latest
def _concerned(body: bytes) -> tuple[Reader, ...]:
    if len(body) > HTML_BYTES or b"\0" in body[:_START_BYTES] or body.startswith((b"\xff\xfe", b"\xfe\xff")) or kind(body):
        return BODY
    scan, text = _scan(), utf8(body)
    held = scan.held(body)
    if text is not body:
        held = sorted({*held, *scan.held(text)})
    return _waiting(tuple(held))


@cache
def _words() -> tuple[Word, ...]:
    return tuple(dict.fromkeys(word for triggers in TRIGGERS.values() for word in triggers or ()))


@cache
def _scan() -> Scan:
    return Scan(_words(), within=(prose.SCAN, METAS))


@lru_cache(maxsize=4096)
def _waiting(held: tuple[int, ...]) -> tuple[Reader, ...]:
    """Those who wait for one of these words, or for none."""
    words = {_words()[n] for n in held}
    return tuple(reader for reader in BODY if (triggers := TRIGGERS[reader]) is None or not words.isdisjoint(triggers))
