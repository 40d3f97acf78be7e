"""THE table of signals. Nothing registers itself; what is not in this table does not exist.

A reader turns the bytes of one carrier into findings. It never raises, never fetches, and its time grows with
the size of its input alone. Several rows may share a reader, which then is called once.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .. import containers, html
from ..model import Asker, Asset, Audience, Carrier, CircumstanceKind, Evidence, Finding, Form, Preference, Subject, Use
from ..scan import Trigger
from ..vocab import TERMS
from . import (
    account,
    ai_txt,
    aipref,
    c2pa,
    cards,
    content_signal,
    epub,
    feeds,
    gates,
    http_fields,
    iim,
    licence,
    llms_txt,
    office,
    onix,
    prose,
    register,
    robots_meta,
    robots_txt,
    rsl,
    tdm_policy,
    tdmrep,
    trust_txt,
    xmp,
)

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
    triggers: Trigger | None = None  # on bodies: it reads those alone that hold what it waits for, and files; None: all

    @property
    def uses(self) -> tuple[Use, ...]:
        """Every use that a word of the protocol can mean (vocab.TERMS)."""
        return tuple(dict.fromkeys(use for term in TERMS.values() if term.protocol == self.protocol for use in term.uses))


FILES = Trigger(())                  # of those who read nothing but containers

_R, _F, _T, _B = Carrier.ROBOTS_TXT, Carrier.HTTP_FIELDS, Carrier.TDMREP_JSON, Carrier.BODY
_EXACT_LENIENT, _EXACT_LEGACY = (Form.EXACT, Form.LENIENT), (Form.EXACT, Form.LEGACY)
_RECITAL, _DSM = "Directive (EU) 2019/790, recital 18", "https://eur-lex.europa.eu/eli/dir/2019/790/oj"
_GATES = (CircumstanceKind.PAYWALLED, CircumstanceKind.TECHNICAL_BARRIER, CircumstanceKind.LEGALLY_BLOCKED)
_RFC = "https://www.rfc-editor.org/rfc/rfc9309"
_ATTACH = "https://datatracker.ietf.org/doc/draft-ietf-aipref-attach/05/"
_CF = "https://contentsignals.org/"
_CANEL = "https://datatracker.ietf.org/doc/draft-canel-robots-ai-control/00/"
_REPEXT = "https://datatracker.ietf.org/doc/draft-illyes-repext/00/"
_TDM = "https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/"
_LICENSE = "https://html.spec.whatwg.org/multipage/links.html#link-type-license"
_DCMI = "https://www.dublincore.org/specifications/dublin-core/dcmi-terms/"
_MASTODON = "https://docs.joinmastodon.org/spec/activitypub/"
_INTENTS = "https://github.com/bluesky-social/proposals/tree/main/0008-user-intents"
_LEXICON = "https://lexicon.garden/lexicon/did:plc:mtr7qrqtcyseedx3jyr5o7db/community.lexicon.preference.ai"
_RSL = "https://rslstandard.org/rsl"
_SPAWNING = "https://spawning.ai/"
_TRUST = "https://journallist.net/"
_IPTC = "https://iptc.org/std/photometadata/specification/IPTC-PhotoMetadata#data-mining"
_LLMS = "https://llmstxt.org/"
_ONIX, _CARDS = "https://www.editeur.org/", "https://huggingface.co/docs/hub/datasets-cards"
_CAWG = "https://cawg.io/training-and-data-mining/1.1/"
_AS_WRITTEN = (Form.EXACT, Form.LENIENT, Form.LEGACY)

SIGNALS: dict[str, Signal] = {row.id: row for row in (
    Signal("robots.rule", "rep", _R, robots_txt.read, 0, "RFC 9309, 2.2.2", _RFC, ALL, _EXACT_LENIENT),
    Signal("robots-ai.robots", "robots-ai", _R, robots_txt.read, 0, "draft-canel-robots-ai-control-00", _CANEL, ALL,
           (Form.LEGACY,)),
    Signal("aipref.robots", "aipref", _R, robots_txt.read, 0, "draft-ietf-aipref-attach-05, 4", _ATTACH, ALL,
           (Form.EXACT, Form.LENIENT, Form.LEGACY), terms=True),
    Signal("aipref.header", "aipref", _F, aipref.header, 0, "draft-ietf-aipref-attach-05, 3", _ATTACH, forms=_EXACT_LEGACY,
           terms=True),
    Signal("content-signal.robots", "content-signal", _R, robots_txt.read, 0, "Content Signals Policy, 2025-09-24", _CF, ALL,
           _EXACT_LENIENT, terms=True),
    Signal("content-signal.header", "content-signal", _F, content_signal.header, 0, "no specification; PRACTICE", _CF,
           forms=(Form.LENIENT,), preferences=(Preference.DISALLOW,), terms=True),
    Signal("robots-meta.header", "robots-meta", _F, robots_meta.header, 0, "draft-illyes-repext-00, 3", _REPEXT, SCOPED,
           tuple(f for f in Form if f is not Form.PROSE), (Preference.DISALLOW,), tuple(Subject), terms=True),
    Signal("robots-meta.html", "robots-meta", _B, robots_meta.html, 0, "draft-illyes-repext-00, 3", _REPEXT, SCOPED,
           tuple(f for f in Form if f is not Form.PROSE), (Preference.DISALLOW,), tuple(Subject), terms=True,
           triggers=html.TRIGGERS),
    Signal("robots-meta.embedding-fields", "robots-meta", Carrier.EMBEDDING_FIELDS, robots_meta.embedding_fields, 0,
           "draft-illyes-repext-00, 3; DeviantArt, 2022-11-11", _REPEXT, SCOPED,
           tuple(f for f in Form if f is not Form.PROSE), (Preference.DISALLOW,)),
    Signal("robots-meta.embedding-page", "robots-meta", Carrier.EMBEDDING_PAGE, robots_meta.embedding_page, 0,
           "draft-illyes-repext-00, 3; DeviantArt, 2022-11-11", _REPEXT, SCOPED,
           tuple(f for f in Form if f is not Form.PROSE), (Preference.DISALLOW,)),
    Signal("tdmrep.file", "tdmrep", _T, tdmrep.file, 1, "TDMRep CG-FINAL-2024-05-10, 6.1", _TDM, forms=_EXACT_LENIENT,
           terms=True),
    Signal("tdmrep.header", "tdmrep", _F, tdmrep.header, 2, "TDMRep CG-FINAL-2024-05-10, 6.2", _TDM, forms=_EXACT_LENIENT,
           terms=True),
    Signal("tdmrep.html", "tdmrep", _B, tdmrep.html, 3, "TDMRep CG-FINAL-2024-05-10, 6.3", _TDM, forms=_EXACT_LENIENT,
           terms=True, triggers=html.TRIGGERS),
    Signal("licence.html", "licence", _B, licence.html, 0, "HTML Living Standard, 4.6.7.7; ccREL", _LICENSE,
           forms=_EXACT_LEGACY, subjects=tuple(Subject), terms=True, circumstances=(CircumstanceKind.LICENCE_UNREAD,),
           triggers=licence.TRIGGERS),
    Signal("licence.schema-org", "licence", _B, licence.html, 0, "schema.org, license", "https://schema.org/license",
           forms=_EXACT_LEGACY, subjects=tuple(Subject), terms=True,
           circumstances=(CircumstanceKind.PAYWALLED, CircumstanceKind.LICENSED_MARKET, CircumstanceKind.LICENCE_UNREAD),
           triggers=licence.TRIGGERS),
    Signal("licence.dublin-core", "licence", _B, licence.html, 0, "DCMI Metadata Terms, license", _DCMI, forms=_EXACT_LEGACY,
           subjects=tuple(Subject), terms=True, circumstances=(CircumstanceKind.LICENCE_UNREAD,), triggers=licence.TRIGGERS),
    Signal("licence.header", "licence", _F, licence.header, 0, "RFC 8288; HTML Living Standard, 4.6.7.7", _LICENSE,
           forms=_EXACT_LEGACY, subjects=tuple(Subject), terms=True, circumstances=(CircumstanceKind.LICENCE_UNREAD,)),
    Signal("licence.feed", "licence", Carrier.FEED, feeds.feed, 0, "RFC 4946, 2", "https://www.rfc-editor.org/rfc/rfc4946",
           forms=_EXACT_LEGACY, subjects=tuple(Subject), terms=True, circumstances=(CircumstanceKind.LICENCE_UNREAD,)),
    Signal("licence.feed-body", "licence", _B, feeds.body, 0, "RFC 4946, 2", "https://www.rfc-editor.org/rfc/rfc4946",
           forms=_EXACT_LEGACY, subjects=tuple(Subject), terms=True, circumstances=(CircumstanceKind.LICENCE_UNREAD,)),
    Signal("account.indexable", "account", Carrier.ACCOUNT, account.read, 0, "Mastodon, ActivityPub", _MASTODON),
    Signal("account.user-intents", "user-intents", Carrier.ACCOUNT, account.read, 0, "Bluesky proposal 0008", _INTENTS),
    Signal("account.preference-ai", "preference-ai", Carrier.ACCOUNT, account.read, 0, "community.lexicon.preference.ai",
           _LEXICON),
    Signal("register.licence", "register", Carrier.REGISTER, register.read, 0, "a register of the operator", "",
           (Audience.YOU, Audience.OTHER), preferences=(Preference.ALLOW,), terms=True,
           circumstances=(CircumstanceKind.WITHOUT_EFFECT,)),
    Signal("register.paid-licence", "register", Carrier.REGISTER, register.read, 0, "a register of the operator", "",
           (Audience.YOU, Audience.OTHER), preferences=(Preference.ALLOW,), terms=True,
           circumstances=(CircumstanceKind.WITHOUT_EFFECT,)),
    Signal("register.do-not-train", "register", Carrier.REGISTER, register.read, 0, "a register of the operator", "",
           (Audience.YOU, Audience.EVERYONE, Audience.OTHER), preferences=(Preference.DISALLOW,), terms=True,
           circumstances=(CircumstanceKind.WITHOUT_EFFECT,)),
    Signal("register.facts", "register", Carrier.REGISTER, register.read, 0, "a register of the operator", "",
           preferences=(), circumstances=(*register.CIRCUMSTANCES.values(), CircumstanceKind.WITHOUT_EFFECT)),
    Signal("tdmrep.policy", "tdmrep", Carrier.TDM_POLICY, tdm_policy.read, 0, "TDMRep CG-FINAL-2024-05-10, 6.5", _TDM,
           forms=_EXACT_LENIENT, preferences=(Preference.DISALLOW,), terms=True),
    Signal("rsl.document", "rsl", Carrier.RSL, rsl.document, 0, "RSL 1.0, 3", _RSL, forms=_AS_WRITTEN, terms=True),
    Signal("rsl.html", "rsl", _B, rsl.page, 0, "RSL 1.0, 4.6", _RSL, forms=_AS_WRITTEN, terms=True, triggers=rsl.TRIGGERS),
    Signal("rsl.feed", "rsl", Carrier.FEED, rsl.feed, 0, "RSL 1.0, 4.7", _RSL, forms=_AS_WRITTEN, terms=True),
    Signal("rsl.feed-body", "rsl", _B, rsl.page, 0, "RSL 1.0, 4.7", _RSL, forms=_AS_WRITTEN, terms=True,
           triggers=rsl.TRIGGERS),
    Signal("rsl.robots", "rsl", _R, rsl.robots, 0, "RSL 1.0, 4.4", _RSL, preferences=()),      # refers to documents
    Signal("rsl.header", "rsl", _F, rsl.header, 0, "RSL 1.0, 4.5", _RSL, preferences=()),      # refers to documents
    Signal("ai-txt.file", "ai-txt", Carrier.AI_TXT, ai_txt.read, 0, "Spawning, ai.txt, 2023-05-30", _SPAWNING, ALL,
           _EXACT_LENIENT),
    Signal("trust-txt.file", "trust-txt", Carrier.TRUST_TXT, trust_txt.read, 0, "JournalList, trust.txt", _TRUST,
           forms=_EXACT_LENIENT),
    Signal("tdmrep.epub", "tdmrep", _B, epub.read, 4, "TDMRep CG-FINAL-2024-05-10, 6.4", _TDM, forms=_EXACT_LENIENT,
           terms=True, triggers=FILES),
    Signal("rsl.epub", "rsl", _B, epub.read, 0, "RSL 1.0, 4.8", _RSL, forms=_AS_WRITTEN, terms=True, triggers=FILES),
    Signal("licence.epub", "licence", _B, epub.read, 0, "DCMI Metadata Terms, license", _DCMI, forms=_EXACT_LEGACY, terms=True,
           circumstances=(CircumstanceKind.LICENCE_UNREAD,), triggers=FILES),
    Signal("prose.epub", "prose", _B, epub.read, 0, _RECITAL, _DSM, forms=(Form.PROSE,), preferences=(Preference.DISALLOW,),
           triggers=FILES),
    Signal("tdmrep.office", "tdmrep", _B, office.read, 4, "no specification; PRACTICE", _TDM, forms=(Form.LENIENT,),
           preferences=(Preference.DISALLOW,), terms=True, triggers=FILES),
    Signal("licence.office", "licence", _B, office.read, 0, "DCMI Metadata Terms, license", _DCMI, forms=_EXACT_LEGACY,
           terms=True, circumstances=(CircumstanceKind.LICENCE_UNREAD,), triggers=FILES),
    Signal("prose.office", "prose", _B, office.read, 0, _RECITAL, _DSM, forms=(Form.PROSE,),
           preferences=(Preference.DISALLOW,), triggers=FILES),
    Signal("onix.body", "onix", _B, onix.body, 0, "ONIX for Books 3.1, P.3.20", _ONIX, terms=True),
    Signal("onix.feed", "onix", Carrier.FEED, onix.feed, 0, "ONIX for Books 3.1, P.3.20", _ONIX, terms=True),
    Signal("licence.card", "licence", _B, cards.read, 0, "Hugging Face, dataset cards", _CARDS, forms=_EXACT_LEGACY, terms=True,
           circumstances=(CircumstanceKind.LICENCE_UNREAD,)),
    Signal("licence.croissant", "licence", _B, cards.read, 0, "Croissant 1.1", "https://docs.mlcommons.org/croissant/",
           forms=_EXACT_LEGACY, terms=True, circumstances=(CircumstanceKind.LICENCE_UNREAD,)),
    Signal("prose.card", "prose", _B, cards.read, 0, _RECITAL, _DSM, forms=(Form.PROSE,), preferences=(Preference.DISALLOW,)),
    Signal("c2pa.assertion", "cawg", _B, c2pa.read, 0, "CAWG Training and Data Mining 1.1", _CAWG, forms=_AS_WRITTEN,
           preferences=(Preference.DISALLOW,), terms=True, triggers=c2pa.TRIGGERS),
    Signal("llms-txt.file", "llms-txt", Carrier.LLMS_TXT, llms_txt.read, 0, "llms.txt, 2024-09-03", _LLMS, preferences=()),
    Signal("gates.header", "gates", _F, gates.header, 0, "RFC 9110, 15.5; RFC 7725, 3", "https://www.rfc-editor.org/rfc/rfc9110",
           preferences=(), circumstances=_GATES),
    Signal("gates.html", "gates", _B, gates.page, 0, "no specification; PRACTICE", "https://github.com/x402-foundation/x402",
           preferences=(), circumstances=_GATES[:2], triggers=gates.TRIGGERS),
    Signal("prose.terms", "prose", Carrier.TERMS_PAGE, prose.terms, 0, _RECITAL, _DSM, forms=(Form.PROSE,),
           preferences=(Preference.DISALLOW,)),
    Signal("prose.html", "prose", _B, prose.page, 0, _RECITAL, _DSM, forms=(Form.PROSE,), preferences=(Preference.DISALLOW,),
           triggers=prose.TRIGGERS),
    Signal("plus.xmp", "plus", _B, xmp.read, 0, "IPTC Photo Metadata 2023.1, Data Mining", _IPTC, forms=_EXACT_LENIENT,
           subjects=tuple(Subject), terms=True, triggers=FILES),
    Signal("tdmrep.xmp", "tdmrep", _B, xmp.read, 4, "TDMRep CG-FINAL-2024-05-10, 6.4", _TDM, forms=_EXACT_LENIENT, terms=True,
           triggers=FILES),
    Signal("rsl.xmp", "rsl", _B, xmp.read, 0, "RSL 1.0, 4.8", _RSL, forms=_AS_WRITTEN, terms=True, triggers=FILES),
    Signal("licence.xmp", "licence", _B, xmp.read, 0, "ccREL, XMP", "https://wiki.creativecommons.org/wiki/XMP",
           forms=_EXACT_LEGACY, subjects=tuple(Subject), terms=True, circumstances=(CircumstanceKind.LICENCE_UNREAD,),
           triggers=FILES),
    Signal("prose.xmp", "prose", _B, xmp.read, 0, _RECITAL, _DSM, forms=(Form.PROSE,), preferences=(Preference.DISALLOW,),
           triggers=FILES),
    Signal("prose.iim", "prose", _B, iim.read, 0, _RECITAL, _DSM, forms=(Form.PROSE,), preferences=(Preference.DISALLOW,),
           triggers=FILES),
    Signal("prose.feed", "prose", Carrier.FEED, feeds.feed, 0, _RECITAL, _DSM, forms=(Form.PROSE,),
           preferences=(Preference.DISALLOW,)),
    Signal("prose.robots", "prose", _R, prose.robots, 0, _RECITAL, _DSM, forms=(Form.PROSE,),
           preferences=(Preference.DISALLOW,)),
)}

# Readers without a row: they say once for all signals of a carrier what of it could not be read.
FAULTS: dict[Carrier, tuple[Reader, ...]] = {_F: (http_fields.faults,), _B: (html.faults, containers.faults)}

READERS: dict[Carrier, tuple[Reader, ...]] = {
    c: (*FAULTS.get(c, ()), *dict.fromkeys(s.read for s in SIGNALS.values() if s.carrier is c))
    for c in Carrier}

# What each reader of bodies waits for (prefilter.py); all of its rows wait for the same.
TRIGGERS: dict[Reader, Trigger | None] = {html.faults: html.TRIGGERS, containers.faults: FILES,
                                          **{row.read: row.triggers for row in SIGNALS.values() if row.carrier is _B}}
