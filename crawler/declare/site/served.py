"""What is served, compared with what was declared, carrier by carrier and as a whole.

**Facts**
- RFC 9309, 2.3.1.3 (https://www.rfc-editor.org/rfc/rfc9309): a file that is not there, or not shown, says nothing.
- OURS: a carrier is compared by what it says to each known crawler, not by its bytes: hosts reformat, and put lines of their
  own before ours. What it says besides is told, too, and is no fault where it refuses more, as a tag in a picture may: only
  leave that was not declared is, and what comes to something else as a whole.
- OURS: what could not be fetched is not taken for what is not said.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from rules import Access, Asker, Asset, Carrier, Evidence, Fault, FaultKind, Preference, Statement, Use, find
from rules.vocab import ATOMS

from ...effect import HEARD, Answer
from ...items import CollectedPage
from .intent import USES, Said
from .kit import CARRIERS, REFERRED, Kit
from .meaning import FILE, PAGE, PICTURE, Difference, differences, names

Word = tuple[Use, Preference]

UNREAD = (Access.UNREACHABLE, Access.NOT_COLLECTED)
PLACES = {carrier: path for path, carrier in {**CARRIERS, **REFERRED}.items()}


@dataclass(frozen=True, slots=True)
class Differs:
    """One carrier of one address."""
    url: str                             # of the page or file that was looked at
    carrier: Carrier
    problem: str                         # "absent", "unread", "broken", "unsaid", "against" or "besides"
    detail: str = ""                     # why it is absent, unread or broken
    words: tuple[Word, ...] = ()         # what is not said, or said besides
    tokens: tuple[str, ...] = ()         # to whom

    @property
    def is_note(self) -> bool:
        """It agrees with what was declared, or refuses more."""
        return self.problem == "besides"


def compare(kit: Kit, pages: Iterable[CollectedPage]) -> tuple[list[Differs], list[tuple[str, Difference]]]:
    """Where carriers say something else, and, page by page, what that comes to."""
    carriers: dict[tuple[object, ...], Differs] = {}
    whole = []
    for page in pages:
        path, kind = unquote(urlsplit(page.asset.url).path) or "/", _kind(page.asset.media_type)
        for one in _carriers(kit, page, path, kind):
            of_site = one.carrier in CARRIERS.values()
            carriers.setdefault(("" if of_site else one.url, one.carrier, one.problem, one.detail, one.words, one.tokens), one)
        if not any(e.access in UNREAD for e in page.evidence if e.carrier in (Carrier.BODY, Carrier.HTTP_FIELDS)):
            whole += [(page.requested, d) for d in differences(kit.intent, path, kind, page.evidence, kit.existing)
                      if not _only_adds(d)]
    return list(carriers.values()), whole


def _only_adds(d: Difference) -> bool:
    """A refusal of a use about which nothing was declared."""
    return d.wanted == (Answer.SILENT,) and d.found is Answer.REFUSED and d.use is not Use.CRAWL


def _kind(media_type: str) -> str:
    return PICTURE if media_type.startswith("image/") else PAGE if "html" in media_type else FILE


def _carriers(kit: Kit, page: CollectedPage, path: str, kind: str) -> Iterator[Differs]:
    declared = {e.carrier: e for e in kit.evidence(path, kind)}
    for carrier, wanted in declared.items():
        got = next((e for e in page.evidence if e.carrier is carrier and carrier not in REFERRED.values()), None)
        if carrier in REFERRED.values():     # fetched only where something refers to it, which the others tell
            continue
        if got is None or not got.has_bytes:
            if wanted.has_bytes and (carrier in CARRIERS.values() or carrier in (Carrier.HTTP_FIELDS, Carrier.BODY)):
                unread = got is None or got.access in UNREAD
                yield Differs(page.requested, carrier, "unread" if unread else "absent", got.detail if got else "not looked at")
            continue
        asset = page.asset
        for fault in (f for f in find((got,), asset, Asker("maymine")) if isinstance(f, Fault)
                      and f.carrier is carrier and f.kind is not FaultKind.NOT_COLLECTED):
            yield Differs(page.requested, carrier, "broken", f"{fault.kind.value}: {fault.detail}")
        yield from _unlike(page.requested, carrier, asset, wanted, got, kit.intent.at(path))


def _unlike(url: str, carrier: Carrier, asset: Asset, wanted: Evidence, got: Evidence, declared: Said) -> Iterator[Differs]:
    unlike: dict[tuple[str, tuple[Word, ...]], list[str]] = {}
    for token in names():
        meant, said = _words(wanted, asset, token), _words(got, asset, token)
        against = {word for word in said - meant if _gives_more(word, declared)}
        for problem, only in (("unsaid", meant - said), ("against", against), ("besides", said - meant - against)):
            if only:
                key = problem, tuple(sorted(only, key=lambda word: (word[0].value, word[1].value)))
                unlike.setdefault(key, []).append(token)
    for (problem, told), tokens in unlike.items():
        yield Differs(url, carrier, problem, "", told, tuple(tokens))


def _gives_more(word: Word, declared: Said) -> bool:
    """Whether it is leave for a use that was not allowed."""
    use, preference = word
    allowed = all(declared.get(atom) for atom in ATOMS[use] if atom in USES.values())
    other = Use.TRAIN_OTHER in ATOMS[use] and declared.get(Use.TDM_OTHER) is False       # of which no wish speaks by itself
    return preference is Preference.ALLOW and (other or not allowed)


def _words(evidence: Evidence, asset: Asset, token: str) -> set[Word]:
    """What is said to a crawler. That it may fetch is what silence says, too."""
    if not evidence.has_bytes:
        return set()
    return {(f.use, f.preference) for f in find((evidence,), asset, Asker(token))
            if isinstance(f, Statement) and f.audience in HEARD and (f.use, f.preference) != (Use.CRAWL, Preference.ALLOW)}
