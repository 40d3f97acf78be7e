"""Pages, pictures, licences, and what does not go together.

**Facts**
- `noai` and `noimageai` stand in `<meta name="robots">` in the head (DeviantArt, 2022-11-11; HTML, 13.2.6.4:
  https://html.spec.whatwg.org/multipage/parsing.html), and are words without hyphens.
- `plus:DataMining` is one URI of the vocabulary (IPTC Photo Metadata 2023.1:
  https://iptc.org/std/photometadata/specification/IPTC-PhotoMetadata#data-mining). PRACTICE: exiftool told by full URI
  doubles its prefix; resizing drops the tag (WordPress thumbnails).
- OURS: drawings (SVG) and icons are no pictures of an artist.
"""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from difflib import get_close_matches

from rules import Access, Carrier, Fault, FaultKind, Form, Preference, Statement, Subject, Use
from rules.contradictions import Kind as Clash
from rules.contradictions import contradictions
from rules.html import page
from rules.signals import SIGNALS, http_fields
from rules.vocab import ATOMS

from .findings import Found, Place, listed
from .site import Seen, Site

MINING = ATOMS[Use.TDM]
NO_PICTURES = ("image/svg+xml", "image/x-icon", "image/vnd.microsoft.icon")
IN_FILES = ("plus", "cawg", "tdmrep", "rsl", "robots-meta")
CLASHES = {Clash.ALLOWED_AND_RESERVED: "OO501", Clash.LICENSED_AND_RESERVED: "OO502", Clash.TWO_LICENCES: "OO503",
           Clash.TRAINERS_TURNED_AWAY: "OO504"}
WORDS = ("noai", "noimageai")
KNOWN = frozenset({*WORDS, "noimageindex", "noindex", "nofollow", "noarchive", "nocache", "nosnippet", "notranslate", "none",
                   "all", "nositelinkssearchbox", "index", "follow", "noml", "noodp", "noydir", "indexifembedded"})
WORDS_READ, WORD_CHARS = 40, 40      # OURS: of one list of directives; longer words are none
LIKE = 0.74                          # OURS: of two words, 0 to 1


def check(site: Site) -> Iterator[Found]:
    yield from _pages(site)
    yield from _pictures(site)
    yield from _clashes(site)
    yield from _licences(site)
    yield from _files(site)
    yield from _unseen(site)


def _refuses(s: Seen, carrier: Carrier, *protocols: str) -> list[Statement]:
    return [f for f in s.statements(*protocols, carrier=carrier)
            if f.preference is Preference.DISALLOW and ATOMS[f.use] & MINING]


def _pages(site: Site) -> Iterator[Found]:
    words = {s: _refuses(s, Carrier.BODY, "tdmrep", "robots-meta") for s in site.pages if s.is_page}
    with_it = [s for s, said in words.items() if said]
    without = [s for s, said in words.items() if not said]
    strayed = [Place(s.asset.url, f.where, f.quote) for s, said in words.items() for f in said[:1] if f.note == "meta-in-body"]
    slips = list(_slips(site))
    if with_it:
        yield Found("OO014", {"n": len(with_it), "of": len(words)}, (Place(with_it[0].asset.url, words[with_it[0]][0].where,
                                                                         words[with_it[0]][0].quote),))
    texts_alone = [s for s in with_it if _forgets_pictures(s)] if site.pictures else []
    if texts_alone:
        yield Found("OO307", {"n": len(texts_alone), "of": len(words)}, tuple(Place(s.asset.url) for s in texts_alone))
    if strayed:
        yield Found("OO304", {"n": len(strayed)}, tuple(strayed))
    if slips:
        meant = get_close_matches(_plain(slips[0].quote), WORDS, 1, 0)[0]
        yield Found("OO306", {"n": len(slips), "word": slips[0].quote, "meant": meant}, tuple(slips))
    elif with_it and without:
        yield Found("OO305", {"n": len(without), "of": len(words)}, tuple(Place(s.asset.url) for s in without))


def _forgets_pictures(s: Seen) -> bool:
    """Whether it says noai, and noimageai nowhere."""
    said = [f for f in s.statements("robots-meta") if f.preference is Preference.DISALLOW and ATOMS[f.use] & MINING]
    of_media = any(f.subject is Subject.EMBEDDED for f in said)
    return not of_media and any("noai" in f.quote.lower() for f in said)


def _slips(site: Site) -> Iterator[Place]:
    """Words that are almost noai, and so are nothing."""
    metas = [(f"meta {m.index}", m.content) for e in site.whole if e.carrier is Carrier.BODY and e.has_bytes
             for m in page(e.body, exact=True).metas if m.name == "robots"] if site.home.is_page else []
    for s in site.seen:
        fields = s.of(Carrier.HTTP_FIELDS)
        sent = [("x-robots-tag", v) for v in http_fields.values(fields.body, b"x-robots-tag")] if fields else []
        for where, content in [*(metas if s is site.home else ()), *sent]:
            for word in content.replace(";", ",").split(",", WORDS_READ)[:WORDS_READ]:
                plain = _plain(word[:WORD_CHARS])
                known = word.strip().lower() in KNOWN or len(word) > WORD_CHARS
                if plain and not known and get_close_matches(plain, WORDS, 1, LIKE):
                    yield Place(s.asset.url, where, word.strip())


def _plain(word: str) -> str:
    return "".join(c for c in word.lower() if c.isalpha())


# Pictures

def _pictures(site: Site) -> Iterator[Found]:
    pictures = [s for s in site.pictures if s.asset.media_type not in NO_PICTURES]
    tagged = {s.asset.url for s in pictures if _tags(s)}
    unreadable = {s.asset.url: p for s in pictures if (p := _unreadable(s))}
    rest = [s for s in pictures if s.asset.url not in tagged and s.asset.url not in unreadable]
    copies = [s for s in rest if s.asset.variant_of in tagged]
    bare = [s for s in rest if s.asset.variant_of not in tagged]
    clean = [s for s in pictures if s.asset.url in tagged]
    if clean:
        yield Found("OO015", {"n": len(clean), "of": len(pictures)}, (Place(clean[0].asset.url, _tags(clean[0])[0].where,
                                                                           _tags(clean[0])[0].quote),))
    if unreadable:
        yield Found("OO403", {"n": len(unreadable), "of": len(pictures)}, tuple(unreadable.values()))
    if copies:
        yield Found("OO402", {"n": len(copies), "of": len(pictures)},
                    tuple(Place(s.asset.url, "", s.asset.variant_of) for s in copies))
    if bare:
        yield Found("OO401", {"n": len(bare), "of": len(pictures)}, tuple(Place(s.asset.url) for s in bare))


def _tags(s: Seen) -> list[Statement]:
    """What a file says itself about mining, whether yes or no."""
    return s.statements(*IN_FILES, carrier=Carrier.BODY)


def _unreadable(s: Seen) -> Place | None:
    """A tag that is there, and is not what the standard calls one."""
    for f in s.faults(Carrier.BODY):
        if f.kind is FaultKind.MALFORMED:
            return Place(s.asset.url, f.where, f.detail)
    bent = next((f for f in _tags(s) if f.form is Form.LENIENT and f.signal == "plus.xmp"), None)
    return Place(s.asset.url, bent.where, bent.quote) if bent else None


# What does not go together

def _clashes(site: Site) -> Iterator[Found]:
    """Contradictions between carriers, each kind told once, with every place."""
    told: dict[str, dict[Place, tuple[str, str]]] = defaultdict(dict)
    for s in site.seen:
        for grant, (kind, against) in sorted(_sharpest(s).items(), key=lambda item: item[0].signal):
            place = Place(s.asset.url, f"{grant.where}; {against.where}", f"{grant.quote} / {against.quote}")
            told[kind][place] = SIGNALS[grant.signal].carrier.value, SIGNALS[against.signal].carrier.value
    for kind, places in sorted(told.items()):
        grants, against_them = (listed(dict.fromkeys(pair[n] for pair in places.values())) for n in (0, 1))
        yield Found(kind, {"grant": grants, "against": against_them, "n": len(places)}, tuple(places))


def _sharpest(s: Seen) -> dict[Statement, tuple[str, Statement]]:
    """What grants -> the kind of its contradiction, and what stands against it. Where robots.txt grants and turns trainers
    away, that is told, and not the rest; of other grants the rest first."""
    out: dict[Statement, tuple[str, Statement]] = {}
    told: set[str] = set()

    def rank(clash: tuple[Clash, Statement, Statement]) -> tuple[bool, int]:
        kind, grant, _ = clash
        in_robots = SIGNALS[grant.signal].carrier is Carrier.ROBOTS_TXT
        return (kind is Clash.TRAINERS_TURNED_AWAY) is not in_robots, list(Clash).index(kind)
    pairs = ((c.kind, s.findings[c.grant], s.findings[c.against]) for c in contradictions(s.findings))
    clashes = [(kind, a, b) for kind, a, b in pairs if isinstance(a, Statement) and isinstance(b, Statement)]
    for kind, grant, against in sorted(clashes, key=rank):
        if grant.signal not in told:
            told.add(grant.signal)
            out[grant] = CLASHES[kind], against
    return out


def _licences(site: Site) -> Iterator[Found]:
    """RSL documents that words refer to."""
    documents = {e.uri: e for s in site.seen for e in s.evidence if e.carrier is Carrier.RSL}
    lost = [e for e in documents.values() if e.access in (Access.UNAVAILABLE, Access.REFUSED)]
    said = [f for s in site.seen for f in s.statements("rsl")]
    wrong: dict[str, Fault] = {f.detail: f for s in site.seen for f in s.faults(Carrier.RSL) if f.kind is FaultKind.MALFORMED}
    old = next((f for f in said if f.form is Form.LEGACY), None)
    for e in lost:
        yield Found("OO601", {"status": e.status or 0}, (Place(e.uri),))
    for fault in list(wrong.values())[:1]:
        yield Found("OO602", {}, tuple(Place(uri, fault.where, fault.detail) for uri in documents) or (Place(site.url),))
    if old:
        yield Found("OO603", {}, tuple(Place(uri, old.where, old.quote) for uri in documents or (site.url,)))
    if said and not old:
        yield Found("OO016", {}, tuple(Place(uri) for uri in documents or (site.url,)))


def _files(site: Site) -> Iterator[Found]:
    """Other files of the site that refuse something."""
    for kind, carrier in (("OO017", Carrier.AI_TXT), ("OO018", Carrier.TRUST_TXT)):
        file = site.home.of(carrier)
        if file is not None and any(_refuses(s, carrier) for s in site.seen):
            yield Found(kind, {}, (Place(file.uri),))


def _unseen(site: Site) -> Iterator[Found]:
    """What did not come, by the reason."""
    if not site.home.came:
        first = site.robots.detail if site.robots else ""          # robots.txt is asked for first, and tells the cause alone
        why = first if first and first in site.home.detail else site.home.detail
        yield Found("OO901", {}, (Place(site.home.asset.url, "", why),))
    rest = [s for s in site.unseen if s is not site.home]
    kept = [s for s in rest if s.access is Access.NOT_COLLECTED]
    lost = [s for s in rest if s.access is not Access.NOT_COLLECTED]
    for kind, several in (("OO902", kept), ("OO903", lost)):
        if several:
            yield Found(kind, {"n": len(several)}, tuple(Place(s.asset.url, "", s.detail) for s in several))


def nothing(site: Site) -> Found | None:
    """OO001 where no carrier refuses anything to machines, OO002 where only sentences for people do; None otherwise."""
    if not site.home.came:
        return None
    said = [f for s in site.seen for f in s.statements() if f.preference is Preference.DISALLOW]
    if any(SIGNALS[f.signal].protocol != "prose" and SIGNALS[f.signal].protocol != "licence"
           and (ATOMS[f.use] & MINING or f.use is Use.CRAWL) for f in said):
        return None
    prose = [f for f in said if SIGNALS[f.signal].protocol == "prose"]
    return Found("OO002", {}, (Place(site.home.asset.url, prose[0].where, prose[0].quote),)) if prose \
        else Found("OO001", {}, (Place(site.home.asset.url),))


