"""THE table of signals. Nothing registers itself; what is not in this table does not exist.

A reader turns the bytes of one carrier into findings. It never raises, never fetches, and its time grows with
the size of its input alone. Several rows may share a reader, which then is called once.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .. import html
from ..model import Asker, Asset, Audience, Carrier, CircumstanceKind, Evidence, Finding, Form, Preference, Subject, Use
from ..vocab import TERMS
from . import aipref, content_signal, http_fields, robots_meta, robots_txt, tdmrep

Reader = Callable[[Evidence, Asset, Asker], list[Finding]]

ALL = tuple(Audience)
PUBLIC = (Audience.EVERYONE,)
SCOPED = (Audience.YOU, Audience.EVERYONE, Audience.SOME_AI_TRAINING, Audience.OTHER)
BOTH = tuple(Preference)


@dataclass(frozen=True, slots=True)
class Signal:
    """A protocol on a carrier, and all that its reader can say: a policy is proved over exactly this."""
    id: str
    protocol: str
    carrier: Carrier
    read: Reader
    rank: int                        # inside a protocol a higher rank supersedes; equals stand side by side
    spec: str
    url: str
    audiences: tuple[Audience, ...] = PUBLIC
    forms: tuple[Form, ...] = (Form.EXACT,)
    preferences: tuple[Preference, ...] = BOTH
    subjects: tuple[Subject, ...] = (Subject.ASSET,)
    terms: bool = False              # whether a statement can carry terms
    circumstances: tuple[CircumstanceKind, ...] = ()

    @property
    def uses(self) -> tuple[Use, ...]:
        """Every use that a word of the protocol can mean (vocab.TERMS)."""
        return tuple(dict.fromkeys(use for term in TERMS.values() if term.protocol == self.protocol for use in term.uses))


_R, _F, _T, _B = Carrier.ROBOTS_TXT, Carrier.HTTP_FIELDS, Carrier.TDMREP_JSON, Carrier.BODY
_EXACT_LENIENT, _EXACT_LEGACY = (Form.EXACT, Form.LENIENT), (Form.EXACT, Form.LEGACY)
_RFC = "https://www.rfc-editor.org/rfc/rfc9309"
_ATTACH = "https://datatracker.ietf.org/doc/draft-ietf-aipref-attach/05/"
_CF = "https://contentsignals.org/"
_CANEL = "https://datatracker.ietf.org/doc/draft-canel-robots-ai-control/00/"
_REPEXT = "https://datatracker.ietf.org/doc/draft-illyes-repext/00/"
_TDM = "https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/"

SIGNALS: dict[str, Signal] = {row.id: row for row in (
    Signal("robots.rule", "rep", _R, robots_txt.read, 0, "RFC 9309, 2.2.2", _RFC, ALL, _EXACT_LENIENT),
    Signal("robots-ai.robots", "robots-ai", _R, robots_txt.read, 0, "draft-canel-robots-ai-control-00", _CANEL, ALL,
           (Form.LEGACY,)),
    Signal("aipref.robots", "aipref", _R, robots_txt.read, 0, "draft-ietf-aipref-attach-05, 4", _ATTACH, ALL,
           (Form.EXACT, Form.LENIENT, Form.LEGACY)),
    Signal("aipref.header", "aipref", _F, aipref.header, 0, "draft-ietf-aipref-attach-05, 3", _ATTACH, forms=_EXACT_LEGACY),
    Signal("content-signal.robots", "content-signal", _R, robots_txt.read, 0, "Content Signals Policy, 2025-09-24", _CF, ALL,
           _EXACT_LENIENT, terms=True),
    Signal("content-signal.header", "content-signal", _F, content_signal.header, 0, "no specification; PRACTICE", _CF,
           forms=(Form.LENIENT,), preferences=(Preference.DISALLOW,), terms=True),
    Signal("robots-meta.header", "robots-meta", _F, robots_meta.header, 0, "draft-illyes-repext-00, 3", _REPEXT, SCOPED,
           tuple(f for f in Form if f is not Form.PROSE), (Preference.DISALLOW,), tuple(Subject), terms=True),
    Signal("robots-meta.html", "robots-meta", _B, robots_meta.html, 0, "draft-illyes-repext-00, 3", _REPEXT, SCOPED,
           tuple(f for f in Form if f is not Form.PROSE), (Preference.DISALLOW,), tuple(Subject), terms=True),
    Signal("tdmrep.file", "tdmrep", _T, tdmrep.file, 1, "TDMRep CG-FINAL-2024-05-10, 6.1", _TDM, forms=_EXACT_LENIENT,
           terms=True),
    Signal("tdmrep.header", "tdmrep", _F, tdmrep.header, 2, "TDMRep CG-FINAL-2024-05-10, 6.2", _TDM, forms=_EXACT_LENIENT,
           terms=True),
    Signal("tdmrep.html", "tdmrep", _B, tdmrep.html, 3, "TDMRep CG-FINAL-2024-05-10, 6.3", _TDM, forms=_EXACT_LENIENT,
           terms=True),
)}

# Readers without a row: they say once for all signals of a carrier what of it could not be read.
FAULTS: dict[Carrier, Reader] = {_F: http_fields.faults, _B: html.faults}

READERS: dict[Carrier, tuple[Reader, ...]] = {
    c: (*((FAULTS[c],) if c in FAULTS else ()), *dict.fromkeys(s.read for s in SIGNALS.values() if s.carrier is c))
    for c in Carrier}
