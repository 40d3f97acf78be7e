"""Which readers a header section concerns: those whose words stand in it, as prefilter.py asks of bodies.

Facts (OURS)
- INVARIANT (tested): a reader that is not called would have found nothing, and points to nothing.
- A section is short, so its words are looked for one by one, wherever they stand. Zeros can part them: then all are called.
"""
from __future__ import annotations

import re
from functools import lru_cache

from . import hidden
from .memo import latest
from .model import Carrier
from .signals import READERS, Reader, aipref, content_signal, http_fields, licence, robots_meta, rsl, tdmrep

Pattern = bytes | re.Pattern[bytes]
FIELDS = READERS[Carrier.HTTP_FIELDS]
# What each of them waits for; who does not stand here is always called.
WORDS: dict[Reader, tuple[Pattern, ...]] = {
    http_fields.faults: http_fields.SIGNALLING, aipref.header: (aipref.FIELD,), content_signal.header: (content_signal.FIELD,),
    robots_meta.header: (robots_meta.FIELD,), tdmrep.header: (tdmrep.RESERVATION.encode(),), licence.header: (licence.IN_LINK,),
    rsl.header: (hidden.MARKUP, b"rsl+xml", b"rsl&"),
}
_ALL = tuple(dict.fromkeys(word for words in WORDS.values() for word in words))


@latest
def concerned(body: bytes) -> tuple[Reader, ...]:
    """Those who could find something, in the order of READERS."""
    if hidden.is_parted(body):
        return FIELDS
    low = http_fields.lowered(body)
    return _waiting(tuple([word for word in _ALL if (word in low if isinstance(word, bytes) else word.search(low))]))


@lru_cache(maxsize=4096)
def _waiting(held: tuple[Pattern, ...]) -> tuple[Reader, ...]:
    return tuple(reader for reader in FIELDS if reader not in WORDS or not set(held).isdisjoint(WORDS[reader]))
