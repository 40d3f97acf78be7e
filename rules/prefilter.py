"""Which readers a body concerns: one look for what they all wait for, instead of one each.

Facts (OURS)
- A reader is called where the body holds what it waits for (SIGNALS, `triggers`); one without triggers always.
- INVARIANT (tested): a reader that is not called would have found nothing. `exact` calls all, and has them read all of a page.
- Where the tags of a page are certain (html_work), they tell; elsewhere words do, wherever they stand.
- All are called, too, where words cannot be told by a look: containers, texts in UTF-16, pages beyond a cap, which are faults.
- A page in another encoding than UTF-8 is looked at as it stands and as it is meant.
"""
from __future__ import annotations

from functools import cache, lru_cache

from . import html, metadata, prefilter_fields
from .containers import kind
from .hidden import is_parted
from .html_work import compiled, survey
from .limits import HTML_BYTES
from .model import Asset, Carrier, Evidence
from .scan import Scan, Word
from .signals import READERS, TRIGGERS, Reader, prose, rsl

BODY = READERS[Carrier.BODY]

IN_FULL = tuple(prose.page_exact if reader is prose.page else reader for reader in BODY)
# Each of them, what is to be told of a page, and the words that count as well; None: it is always called.
_WAITING = tuple(
    (reader, trigger.told, frozenset(trigger.loose if trigger.told else trigger.words)) if trigger else (reader, None, None)
    for reader in BODY for trigger in (TRIGGERS[reader],))
_last: tuple[bytes, str, tuple[Reader, ...]] = (b"", "", ())


def readers(evidence: Evidence, asset: Asset, *, exact: bool = False) -> tuple[Reader, ...]:
    """Those who could find something in the bytes, in the order of READERS. Keeps the last answer: it is asked for twice."""
    global _last
    if evidence.carrier is Carrier.HTTP_FIELDS and not exact:
        return prefilter_fields.concerned(evidence.body)
    if evidence.carrier is not Carrier.BODY:
        return READERS[evidence.carrier]
    if exact:
        return IN_FULL
    last = _last
    if last[0] is not evidence.body or last[1] != asset.media_type:      # INVARIANT: bytes never change
        last = _last = evidence.body, asset.media_type, _concerned(evidence.body, asset.media_type)
    return last[2]


def read_in_full(evidence: Evidence, asset: Asset) -> None:
    """Parse all of a page for the readers that come next, who else would make do with less."""
    html.read(evidence, asset, exact=True)
    metadata.read(evidence.body, asset.media_type, evidence.final_uri or evidence.uri, exact=True)
    rsl.read(evidence, asset, exact=True)


def _concerned(body: bytes, media_type: str) -> tuple[Reader, ...]:
    if len(body) > HTML_BYTES or is_parted(body) or body.startswith((b"\xff\xfe", b"\xfe\xff")) or kind(body):
        return BODY
    if compiled and (seen := html.surveyed(body, media_type)):
        loose = {_loose()[n] for n in _held(_scan_loose(), body)}
        return tuple(reader for reader, told, words in _WAITING
                     if (told and told(seen)) or words is None or not words.isdisjoint(loose))
    waiting = _waiting(tuple(_held(_scan(), body)))
    if not html.is_html(body, media_type):
        return waiting
    if not survey(html.markup(body, xhtml=media_type == html.XHTML)).bounded:
        return BODY                  # which is a fault
    return tuple(reader for reader in BODY if reader in waiting or reader is prose.page)     # tags can part its words


def _held(scan: Scan, body: bytes) -> list[int]:
    text, held = html.utf8(body), scan.held(body)
    return held if text is body else sorted({*held, *scan.held(text)})


@cache
def _words() -> tuple[Word, ...]:
    return tuple(dict.fromkeys(word for trigger in TRIGGERS.values() if trigger for word in trigger.words))


@cache
def _loose() -> tuple[Word, ...]:
    return tuple(dict.fromkeys(word for _, _, words in _WAITING for word in words or ()))


@cache
def _scan() -> Scan:
    return Scan(_words())


@cache
def _scan_loose() -> Scan:
    return Scan(_loose())


@lru_cache(maxsize=4096)
def _waiting(held: tuple[int, ...]) -> tuple[Reader, ...]:
    """Those who wait for one of these words, or for none."""
    words = {_words()[n] for n in held}
    return tuple(reader for reader in BODY if (trigger := TRIGGERS[reader]) is None or not words.isdisjoint(trigger.words))
