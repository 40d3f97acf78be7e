"""RSL documents: their elements, and which of them speak of an asset.

Facts (RSL-SPEC-1.0 with errata to 2026-08-07, https://rslstandard.org/rsl; read in secondary text, except for excerpts)
- 2.2, 3.1: the root `rsl` stands in the namespace below and holds `content`; 3.3, 3.4: `content` has a `url` and one `license`
  or more, each a set of terms. 3.5, 3.6: a licence has one `permits` and one `prohibits` at most for each `type`: `usage`,
  `user`, `geo`.
- 1.2, 3: an unknown element in the namespace makes the document non-conformant; elements of other namespaces are ignored, and
  words with a prefix are not interpreted (3.4.1).
- 3.3: `url` is absolute or a path, matched as in RFC 9309 (OURS: http and https alike). `server`: a licence is to be got there
  first, even a free one.
- 3.4.1.1: `all` holds `ai-all` and `search`; `ai-all` holds `ai-train`, `ai-input`, `ai-index` and AI uses not listed.
- 3.7: without `payment` or its type the licence is free. 3.12: who cannot meet a `reporting` has no licence.
- RSL 0.9 had the same namespace, lists with commas, `inference` for `use` and, earlier, `train-ai`: legacy.
- OURS: payment with a framework, a process or an amount is not free, whatever its type.
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lxml import etree

from ..limits import DETAIL_CHARS, QUOTE_CHARS, RSL_BYTES, RSL_CONTENTS, RSL_DEPTH, URL_CHARS
from ..model import FaultKind, Terms
from ..xml_tree import NotXml, root
from .robots_match import _Glob, normal_path, normal_pattern, path_query

NAMESPACE = "https://rslstandard.org/rsl"
LIKE_NAMESPACE = frozenset({"", NAMESPACE + "/", "http://rslstandard.org/rsl", "http://rslstandard.org/rsl/"})

USAGES = {"all": 2, "ai-all": 1, "ai-train": 0, "ai-input": 0, "ai-index": 0, "search": 0}     # word -> how broad it is
OTHER = "other"                          # what `all` covers and no narrower word does
ATOMS = ("search", "ai-train", "ai-input", "ai-index", OTHER)
HOLDS = {**{atom: frozenset({atom}) for atom in ATOMS[:-1]},
         "ai-all": frozenset({"ai-train", "ai-input", "ai-index"}), "all": frozenset(ATOMS)}
LEGACY_USAGES = {"train-ai": "ai-train"}
USERS = frozenset({"commercial", "non-commercial", "education", "government", "personal"})
LISTS = ("usage", "user", "geo")
PAYMENTS = frozenset({"purchase", "subscription", "training", "crawl", "use", "contribution", "attribution", "free"})
CHILDREN = {
    "content": frozenset({"license", "alternate", "schema", "copyright", "terms"}),
    "license": frozenset({"permits", "prohibits", "payment", "reporting", "legal"}),
    "payment": frozenset({"standard", "custom", "amount", "accepts"}),
}
FLAWS = 5                                # OURS: kept for the fault
HOST_CHARS = 253                         # RFC 1035, 3.1
_ABSOLUTE = re.compile(r"(https?)://([^/?#]*)([^#]*)", re.IGNORECASE)
_COUNTRY = re.compile(r"[A-Z]{2}")
_DEFAULT_PORT = re.compile(r":(?:80|443)?\Z")


@dataclass(frozen=True, slots=True, eq=False)
class License:
    """One set of terms."""
    where: str                           # "content 1, license 2"
    permits: Mapping[str, tuple[str, ...]]       # usage, user, geo -> words
    prohibits: Mapping[str, tuple[str, ...]]
    terms: Terms | None                  # what it asks for; None: nothing
    quote: str


@dataclass(frozen=True, slots=True)
class Content:
    url: str
    authority: str                       # lower case; "" where the url is a path
    glob: _Glob | None                   # None: the url is none
    octets: int                          # of its path: more are narrower
    alternates: tuple[str, ...]          # URLs or paths with the same terms
    licenses: tuple[License, ...]


@dataclass(slots=True)
class Document:
    contents: list[Content] = field(default_factory=list)
    flaws: list[str] = field(default_factory=list)       # why it does not conform, the first of all
    legacy: str = ""                     # what is of RSL 0.9
    failure: tuple[FaultKind, str] | None = None         # why nothing was read

    def flaw(self, what: str) -> None:
        if len(self.flaws) < FLAWS and what not in self.flaws:
            self.flaws.append(what[:DETAIL_CHARS])


def match(content: Content, url: str) -> int | None:
    """How narrowly a content names an asset, in octets; None: it does not."""
    if not content.url:
        return URL_CHARS                 # the place where it stands
    path, _ = normal_path(path_query(url))
    host = authority(url)
    if content.glob and content.authority in ("", host) and content.glob.matches(path):
        return content.octets
    for alternate in content.alternates:
        told = _ABSOLUTE.match(alternate)
        if told and authority(alternate) != host:
            continue
        if (told or alternate.startswith("/")) and normal_path(path_query(alternate))[0] == path:
            return len(path)
    return None


def parse(body: bytes, *, attached: bool = False) -> Document:
    """A document of its own or, if `attached`, one that stands in a script or in metadata. Linear; raises nothing."""
    document = Document()
    if len(body) > RSL_BYTES:
        document.failure = FaultKind.TRUNCATED, f"longer than {RSL_BYTES} bytes"
        return document
    try:
        top = root(body, RSL_DEPTH)
    except NotXml as error:
        document.failure = FaultKind.MALFORMED, f"no RSL document: {error}"[:DETAIL_CHARS]
        return document
    space, name = _name(top)
    if name != "rsl" or (space != NAMESPACE and space not in LIKE_NAMESPACE):
        document.failure = FaultKind.MALFORMED, f"no RSL document: its root is <{name}>"[:DETAIL_CHARS]
        return document
    if space != NAMESPACE:
        document.flaw(f"its namespace is '{space}'")
    elements = []
    for child in _children(top, space):
        if _name(child)[1] == "content":
            elements.append(child)
        else:
            document.flaw(f"<{_name(child)[1]}> is no element of RSL there")
    if not elements or (attached and len(elements) > 1):
        document.flaw(f"it has {len(elements)} contents")
    read_contents(document, elements)
    if not attached and not all(content.url for content in document.contents):
        document.flaw("a content without url stands outside of what it speaks of")
    return document


def read_contents(document: Document, elements: Sequence[etree._Element]) -> None:
    """Add what these `content` elements say."""
    if len(elements) > RSL_CONTENTS:
        document.failure = FaultKind.TRUNCATED, f"only the first {RSL_CONTENTS} of its contents were read"
    document.contents += [_content(document, element, n) for n, element in enumerate(elements[:RSL_CONTENTS], 1)]


def _content(document: Document, element: etree._Element, number: int) -> Content:
    where = f"content {number}"
    space, _ = _name(element)
    licenses: list[etree._Element] = []
    alternates: list[str] = []
    human = ""
    for child in _children(element, space):
        name = _known(document, child, "content")
        if name == "license":
            licenses.append(child)
        elif name == "alternate":
            alternates.append((child.text or "").strip())
        elif name == "terms":
            human = _text(child)
    if not licenses:
        document.flaw(f"{where} has no license")
    server = _attribute(element, "server")
    encrypted = _attribute(element, "encrypted") or "false"
    if encrypted not in ("true", "false"):
        document.flaw(f"{where}: encrypted is '{encrypted}'")
    asked = Terms(url=human, server=server, conditions=("encrypted",) if encrypted != "false" else ())
    url = str(element.get("url") or "").strip()
    host, glob = _pattern(url)
    if element.get("url") is None or (glob is None and url):
        document.flaw(f"{where} has no url that is absolute or a path")
    return Content(url, host, glob, glob.rank[0] if glob else 0, tuple(alternates),
                   tuple(_license(document, one, f"{where}, license {n}", asked) for n, one in enumerate(licenses, 1)))


def _license(document: Document, element: etree._Element, where: str, asked: Terms) -> License:
    space, _ = _name(element)
    lists: dict[str, dict[str, tuple[str, ...]]] = {"permits": {}, "prohibits": {}}
    quote: list[str] = []
    reports: list[str] = []
    terms, paid, payments = asked, False, 0
    for child in _children(element, space):
        name = _known(document, child, "license")
        if name in lists:
            kind, words = _list(document, child, where)
            if kind in lists[name]:
                document.flaw(f"{where} has two {name} of {kind}")
            lists[name][kind] = (*lists[name].get(kind, ()), *words)
            quote.append(f"{name} {kind} {' '.join(words)}".strip())
        elif name == "reporting":
            reports.append(f"reporting={_attribute(child, 'type')}")
            quote.append(f"reporting {_attribute(child, 'type')}".strip())
        elif name == "payment":
            if payments:
                document.flaw(f"{where} has two payments")
            payments += 1
            payment, told = _payment(document, child, where, terms)
            if payment is not None:
                terms, paid = payment, True
            quote.append(f"payment {told}".strip())
    terms = replace(terms, conditions=(*terms.conditions, *dict.fromkeys(reports)))
    demands = paid or terms.server or terms.conditions
    return License(where, lists["permits"], lists["prohibits"], terms if demands else None, "; ".join(quote)[:QUOTE_CHARS])


def _list(document: Document, element: etree._Element, where: str) -> tuple[str, tuple[str, ...]]:
    """Type and words of a `permits` or `prohibits`, as far as they are words of RSL."""
    kind, text = _attribute(element, "type"), " ".join((element.text or "", *(child.tail or "" for child in element)))
    for child in _children(element, _name(element)[0]):
        document.flaw(f"<{_name(child)[1]}> is no element of RSL in <{_name(element)[1]}>")
    if kind not in LISTS:
        document.flaw(f"{where}: <{_name(element)[1]}> of type '{kind}'")
        kind = "usage"
    if "," in text:
        document.legacy = "list-with-commas"
    words: dict[str, None] = {}
    for word in text.replace(",", " ").split():
        plain = word.upper() if kind == "geo" else word.lower()
        if kind == "usage" and plain in LEGACY_USAGES:
            document.legacy, word, plain = word, LEGACY_USAGES[plain], LEGACY_USAGES[plain]
        known = (plain in USAGES if kind == "usage" else plain in USERS if kind == "user" else bool(_COUNTRY.fullmatch(plain)))
        if ":" in word:
            continue
        if not known or word != plain:
            document.flaw(f"{where}: '{word[:80]}' is no word for {kind}")
        if known:
            words[plain] = None
    return kind, tuple(words)


def _payment(document: Document, element: etree._Element, where: str, asked: Terms) -> tuple[Terms | None, str]:
    """What a payment asks for, None if nothing, and the words for a quote."""
    kind = _attribute(element, "type") or "free"
    if kind == "inference":
        document.legacy, kind = kind, "use"
    elif kind not in PAYMENTS:
        document.flaw(f"{where}: payment of type '{kind[:80]}'")
    told: dict[str, tuple[str, str]] = {}
    for child in _children(element, _name(element)[0]):
        name = _known(document, child, "payment")
        if name in told:
            document.flaw(f"{where} has two of <{name}>")
        elif name:
            told[name] = _text(child), _attribute(child, "currency") if name == "amount" else _attribute(child, "type")
    if kind == "free" and not told:
        return None, "free"
    amount, currency = told.get("amount", ("", ""))
    if currency == "XBT":
        document.legacy = "XBT"
    conditions = (*asked.conditions, *((f"accepts={told['accepts'][1]}",) if "accepts" in told else ()))
    url = next((told[name][0] for name in ("custom", "standard") if name in told and told[name][0]), asked.url)
    terms = replace(asked, url=url, payment=kind, amount=amount[:40], currency=currency[:40], conditions=conditions)
    return terms, " ".join(filter(None, (kind, amount, currency)))


def _known(document: Document, element: etree._Element, parent: str) -> str:
    """Name of an element that may stand in this parent; "" and a flaw otherwise."""
    name = _name(element)[1]
    if name in CHILDREN[parent]:
        return name
    document.flaw(f"<{name}> is no element of RSL in <{parent}>")
    return ""


def _children(element: etree._Element, space: str) -> Iterator[etree._Element]:
    """Children in the namespace of RSL; what stands in others is ignored with all that it holds."""
    return (child for child in element if isinstance(child.tag, str) and _name(child)[0] in (space, NAMESPACE))


def _name(element: etree._Element) -> tuple[str, str]:
    """Namespace and local name."""
    space, brace, name = str(element.tag).rpartition("}")
    return space[1:] if brace else "", name


def _attribute(element: etree._Element, name: str) -> str:
    return str(element.get(name) or "").strip()[:URL_CHARS]


def _text(element: etree._Element) -> str:
    return " ".join((element.text or "").split())[:URL_CHARS]


def _pattern(url: str) -> tuple[str, _Glob | None]:
    """Authority and path of a content's url; no pattern where it is neither absolute nor a path."""
    told = _ABSOLUTE.fullmatch(url)
    path = (told[3] or "/") if told else url
    if (told and ("@" in told[2] or "*" in told[2] or not told[2])) or not path.startswith(("/", "*", "?")) \
            or len(url) > URL_CHARS:
        return "", None
    pattern = normal_pattern((f"/{path}" if path.startswith("?") else path).encode("utf-8", "replace").decode("latin-1"))
    return authority(url) if told else "", _Glob(pattern, (len(pattern), 0, 0))


def authority(url: str) -> str:
    """Host and port in lower case, without a default port, names in ASCII; "" where there is none."""
    told = _ABSOLUTE.match(url)
    host = _DEFAULT_PORT.sub("", told[2].lower()) if told else ""
    if host.isascii() or len(host) > HOST_CHARS:
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host
