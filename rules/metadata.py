"""What a page says of its licence and its access, in all the ways in which pages describe themselves.

Facts (HTML Living Standard, https://html.spec.whatwg.org/multipage/; https://www.w3.org/TR/json-ld11/;
https://www.w3.org/TR/rdfa-core/; https://schema.org/license;
https://www.dublincore.org/specifications/dublin-core/dcmi-terms/; ccREL, https://www.w3.org/submissions/ccREL/)
- HTML 4.6.7.7: `rel=license` on link, a and area says that the main content stands under the licence. OURS: in a figure, an
  aside or a quotation it speaks of what stands there. `type=application/rsl+xml` makes it RSL and no licence.
- RDFa and ccREL: `cc:license`, `dct:license` and `xhv:license` in rel or property say the same; the nearest `about` or
  `resource` around them names what they are about.
- schema.org, in JSON-LD or microdata: `license`, `usageInfo`, `acquireLicensePage` and `isAccessibleForFree` belong to the
  item that holds them. Arrays and `@graph` are many items; a block that is no JSON is left out alone.
- Dublin Core: metas and links named `dcterms.license`, `dcterms.rights`, `dcterms.accessRights`, `DC.rights`.
- OURS: an item is the page where it says so (`url`, `@id`, `mainEntityOfPage`) or where it is no media object and says
  nothing else.
- OURS: Lexbor parses (rules/html.py); extruct reads microdata, JSON-LD and Dublin Core from a tree made of their elements
  alone, so that its work is bounded. Its RDFa is not used: it builds regular expressions from the page and recurses with its
  depth.
- OURS: a page whose tags could say nothing is not parsed, and of others no more than needed, as far as html_work.survey can
  tell; `exact` parses all. What is found is the same (INVARIANT, tested).
"""
from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urljoin

from lxml.etree import LxmlError, SubElement
from lxml.html import HtmlElement, html_parser
from selectolax.lexbor import LexborHTMLParser, LexborNode

from .html import beginning, is_html, markup, parse
from .html_work import Survey, survey
from .limits import HTML_DEPTH, JSON_LD_BYTES, METADATA_DEPTH, METADATA_ELEMENTS, METADATA_REFERENCES, METADATA_VALUES
from .metadata_values import clean, mapping, same_page, texts, type_of
from .metadata_words import has_words
from .model import Carrier, Fault, FaultKind

LICENSE = "license"
# Properties of schema.org that are read, by their name in lower case.
PROPERTIES = {p.lower(): p for p in ("license", "usageInfo", "acquireLicensePage", "isAccessibleForFree")}
LICENSE_NAMES = frozenset({"license", "cc:license", "dc:license", "dct:license", "dcterms:license", "xhv:license",
                           "http://creativecommons.org/ns#license", "http://web.resource.org/cc/license",
                           "http://purl.org/dc/terms/license", "http://www.w3.org/1999/xhtml/vocab#license",
                           "schema:license", "http://schema.org/license", "https://schema.org/license"})
DUBLIN_CORE = {"license": "license", "rights": "rights", "accessrights": "accessRights"}
DUBLIN_CORE_PREFIXES = frozenset({"dc", "dcterms", "dct"})
RSL_TYPE = "application/rsl+xml"
NAMED_DC = "meta[name*=dc i], link[rel*=dc i]"
LINKS = "[rel*=license i], [property*=license i]"
HEAD = frozenset({"noscript", "head", "html"})       # what stands around a link in the head
ASIDES = frozenset({"figure", "aside", "blockquote"})
MEDIA_ITEMS = frozenset({"imageobject", "videoobject", "audioobject", "mediaobject", "photograph", "3dmodel", "datadownload",
                         "musicvideoobject", "imageobjectsnapshot", "videoobjectsnapshot", "audioobjectsnapshot"})
MEDIA = frozenset({"img", "video", "audio", "source"})
KEPT = frozenset({*PROPERTIES, "url", "contenturl", "mainentityofpage"})   # microdata that says something, and of what
TEXT_NODES, TEXT_CHARS, ATTRIBUTE_CHARS = 200, 800, 4_000
SAME_ITEM = frozenset({"@graph", "mainEntity", "mainEntityOfPage", "hasPart"})

_URL_ATTRIBUTES = ("href", "src", "data")
_ATTRIBUTES = ("itemscope", "itemtype", "itemid", "itemref", "itemprop", "id", "content", "value", "datetime", *_URL_ATTRIBUTES)
_KEEP_TAG = frozenset({"meta", "a", "area", "link", "img", "audio", "video", "source", "object", "data", "time"})


@dataclass(frozen=True, slots=True)
class Property:
    """One thing said, as it stands written."""
    syntax: str                      # "rel", "schema.org" or "dublin-core"
    name: str                        # "license", "rights", a property of schema.org
    value: str
    about: str | None                # "": the page; an address: that; None: something in the page that has no address
    where: str


@dataclass(frozen=True, slots=True)
class Description:
    properties: tuple[Property, ...] = ()
    base: str = ""                   # what the addresses in it are relative to
    faults: tuple[Fault, ...] = ()


NOTHING = Description()
_last: tuple[bytes, str, str, Description] = (b"", "", "", NOTHING)


def read(body: bytes, media_type: str, base: str, *, exact: bool = False) -> Description:
    """What a page says of itself; nothing where the body is none. `base`: address of the page. Keeps the last page."""
    global _last
    last = _last
    if last[0] is body and last[1:3] == (media_type, base) and not exact:        # INVARIANT: bytes never change
        return last[3]
    found = NOTHING
    if is_html(body, media_type):
        found = describe(body, base, xhtml=media_type == "application/xhtml+xml", exact=exact)
    _last = (body, media_type, base, found)
    return found


def describe(body: bytes, base: str, *, xhtml: bool = False, exact: bool = False) -> Description:
    """Read a page. `exact`: parse all of it, whatever it holds. Time and memory in proportion to the body; raises nothing."""
    text = markup(body, xhtml=xhtml)
    seen = survey(text)
    if not exact and seen.certain and not seen.told_end:
        return NOTHING
    if not seen.bounded:
        return Description(faults=(_fault(FaultKind.MALFORMED, "nested, formatted or attributed beyond reason; not read"),))
    tree = _beginning(text, seen) if seen.certain and not exact else None
    reading = _Reading(base, tree or parse(text))
    return Description(tuple(dict.fromkeys(reading.properties)), reading.base, tuple(dict.fromkeys(reading.faults)))


def _beginning(text: bytes, seen: Survey) -> LexborHTMLParser | None:
    """The tree of as much of a page as could speak; None where what follows could change what it says."""
    if seen.items:
        return None
    tree = beginning(text, max(seen.told_end, seen.base_end, seen.root_end))
    return tree if tree and all(_is_settled(node) for node in tree.css(LINKS) if _licensing(node)) else None


def _is_settled(node: LexborNode) -> bool:
    """Whether the elements around an element remain what they are: those of the head do."""
    around = node.parent
    while around is not None and around.tag in HEAD:
        around = around.parent
    return around is None or around.tag == "-document"


def _fault(kind: FaultKind, detail: str) -> Fault:
    return Fault(Carrier.BODY, kind, detail, "metadata")


# ---- reading

class _Reading:
    """One pass over one page; collects properties and faults."""

    def __init__(self, page: str, tree: LexborHTMLParser) -> None:
        self.page = self.base = page
        base = tree.css_first("base[href]")
        self.base = (self._resolve(base.attributes.get("href")) if base else None) or page
        self.properties: list[Property] = []
        self.faults: list[Fault] = []
        self._figures: dict[int, str | None] = {}
        self._references_left = METADATA_REFERENCES
        self.links(tree)
        self.items(tree)
        self.blocks(tree)

    def say(self, syntax: str, name: str, value: str, about: str | None, where: str) -> None:
        if len(self.properties) < METADATA_VALUES:
            self.properties.append(Property(syntax, name, value, about, where))
        else:
            self.truncated(f"only the first {METADATA_VALUES} values were read")

    def truncated(self, detail: str) -> None:
        self.faults.append(_fault(FaultKind.TRUNCATED, detail))

    # -- rel=license, RDFa

    def links(self, tree: LexborHTMLParser) -> None:
        found = [node for node in tree.css(LINKS) if _licensing(node)]
        if len(found) > METADATA_ELEMENTS:
            self.truncated(f"only the first {METADATA_ELEMENTS} licence links were read")
        for n, node in enumerate(found[:METADATA_ELEMENTS], 1):
            a = node.attributes
            value = (a.get("href") or a.get("resource") or a.get("content") or a.get("src") or "").strip()
            if not value and "property" in a:
                value = _text(node)
            if value and (a.get("type") or "").strip().lower() != RSL_TYPE:
                self.say("rel", LICENSE, value, self._about(node), f"{node.tag} {n}")

    def _about(self, node: LexborNode) -> str | None:
        """What a licence link speaks of: the nearest thing around it that says what it is."""
        current: LexborNode | None = node
        for _ in range(HTML_DEPTH):
            if current is None:
                return ""
            a = current.attributes
            said = a.get("about")
            if said is None and current is not node:
                said = a.get("resource")
            if said is not None:
                said = said.strip()
                return None if said.startswith(("[", "_:")) else self._resolve(said) if said else ""
            if current.tag in ASIDES or type_of(a.get("itemtype") or a.get("typeof") or "") in MEDIA_ITEMS:
                return self._medium(current)
            current = current.parent
        self.truncated(f"what a licence link speaks of was looked for in {HTML_DEPTH} elements around it")
        return None

    def _medium(self, figure: LexborNode) -> str | None:
        """Address of the first medium in a figure."""
        if figure.mem_id not in self._figures:
            media = (node.attributes.get("src") for node in islice(figure.traverse(), TEXT_NODES) if node.tag in MEDIA)
            self._figures[figure.mem_id] = self._resolve(next(filter(None, media), None))
        return self._figures[figure.mem_id]

    def _resolve(self, address: str | None) -> str | None:
        try:
            return urljoin(self.base, address.strip()) if address is not None else None
        except ValueError:
            return None

    # -- microdata and Dublin Core

    def items(self, tree: LexborHTMLParser) -> None:
        """Microdata and Dublin Core, of a tree that holds nothing but their elements."""
        root = html_parser.makeelement("html")
        syntaxes = [name for name, wanted in (("microdata", self._distil_items(tree, root)),
                                              ("dublincore", self._distil_metas(tree, root))) if wanted]
        if not syntaxes:
            return
        found = self._extract(root, syntaxes)
        for item in found.get("microdata", ()):
            self._walk(item, "microdata")
        for group in found.get("dublincore", ()):
            for n, element in enumerate((*group["terms"], *group["elements"]), 1):
                name = DUBLIN_CORE[element["URI"].rsplit("/", 1)[1].lower()]
                if element["content"]:
                    self.say("dublin-core", name, element["content"], "", f"dublin core {n}")

    def _distil_items(self, tree: LexborHTMLParser, root: HtmlElement) -> bool:
        elements = tree.css("[itemprop]")
        if not any(_named_properties(e, PROPERTIES) for e in elements):
            return False
        ids = {name for e in tree.css("[itemref]") for name in (e.attributes.get("itemref") or "").split()}
        kept = [e for e in tree.css("[itemscope], [itemprop], [id]" if ids else "[itemscope], [itemprop]")
                if "itemscope" in e.attributes or _named_properties(e, KEPT) or e.attributes.get("id") in ids]
        if len(kept) > METADATA_ELEMENTS:
            self.truncated(f"only the first {METADATA_ELEMENTS} elements of microdata were read")
        made: dict[int, tuple[HtmlElement, int]] = {}
        for e in kept[:METADATA_ELEMENTS]:
            parent, depth = self._place(e, made, root)
            made[e.mem_id] = self._copy(e, parent), depth + 1
        return True

    def _place(self, e: LexborNode, made: dict[int, tuple[HtmlElement, int]], root: HtmlElement) -> tuple[HtmlElement, int]:
        """The copy of the nearest ancestor that was copied, and its depth."""
        current = e.parent
        for _ in range(HTML_DEPTH):
            if current is None:
                return root, 0
            if current.mem_id in made:
                parent, depth = made[current.mem_id]
                if depth >= METADATA_DEPTH:
                    break
                return parent, depth
            current = current.parent
        self.truncated(f"microdata deeper than {METADATA_DEPTH} elements was not read")
        return html_parser.makeelement("div"), 0

    def _copy(self, e: LexborNode, parent: HtmlElement) -> HtmlElement:
        a = e.attributes
        kept = {n: clean(a[n] or "")[:ATTRIBUTE_CHARS] for n in _ATTRIBUTES if n in a}
        if "itemref" in kept:
            kept["itemref"] = self._references(kept["itemref"])
        for n in _URL_ATTRIBUTES:
            if n in kept and self._resolve(kept[n]) is None:
                del kept[n]
        tag = e.tag if e.tag in _KEEP_TAG else "div"
        copy = SubElement(parent, tag, kept)     # made in its place, so that `itemref` finds it by its id
        if "itemscope" not in a and tag in ("div", "time"):
            copy.text = clean(_text(e))
        return copy

    def _references(self, itemref: str) -> str:
        """Each reference once, as long as there are few: what they refer to is read for each of them."""
        ids = list(dict.fromkeys(itemref.split()))
        if len(ids) > self._references_left:
            self.truncated(f"only the first {METADATA_REFERENCES} references of microdata were followed")
        ids = ids[:self._references_left]
        self._references_left -= len(ids)
        return " ".join(ids)

    def _distil_metas(self, tree: LexborHTMLParser, root: HtmlElement) -> bool:
        both = ((e, "name" if e.tag == "meta" else "rel") for e in tree.css(NAMED_DC))
        found = [(e, key, name) for e, key in both if (name := _dublin_core(e.attributes.get(key) or ""))]
        if len(found) > METADATA_ELEMENTS:
            self.truncated(f"only the first {METADATA_ELEMENTS} elements of Dublin Core were read")
        for e, key, name in found[:METADATA_ELEMENTS]:
            said = clean(e.attributes.get("content") or e.attributes.get("href") or "").strip()
            SubElement(root, e.tag or "meta", {key: name, "content": said})
        return bool(found)

    # -- JSON-LD

    def blocks(self, tree: LexborHTMLParser) -> None:
        taken = 0
        for n, script in enumerate(tree.css("script[type*=json i]"), 1):
            if (script.attributes.get("type") or "").split(";")[0].strip().lower() != "application/ld+json":
                continue
            text = script.text(deep=True) or ""
            low = text.lower().encode("utf-8", "replace")
            if not has_words(low, 0, len(low)):
                continue
            taken += len(text) + 64
            if taken > JSON_LD_BYTES:
                self.truncated(f"only {JSON_LD_BYTES} bytes of JSON-LD were read")
                return
            element = html_parser.makeelement("script", {"type": "application/ld+json"})
            element.text = clean(text)
            for item in self._extract(element, ["json-ld"]).get("json-ld", ()):
                self._walk(item, f"json-ld {n}")

    def _extract(self, tree: HtmlElement, syntaxes: list[str]) -> dict[str, list[Any]]:
        from extruct import extract  # OURS: loads in 0.3 s, so not before the first page that needs it

        try:
            found: dict[str, list[Any]] = extract(tree, base_url=self.base, syntaxes=syntaxes)
        except (ValueError, LookupError, RecursionError, LxmlError):
            self.faults.append(_fault(FaultKind.MALFORMED, f"{', '.join(syntaxes)} cannot be read"))
            return {}
        return found

    def _walk(self, top: Any, where: str) -> None:
        """All items below one, without recursion."""
        rest: list[tuple[Any, str | None, bool]] = [(top, "", True)]
        for _ in range(METADATA_VALUES):
            if not rest:
                return
            node, about, same = rest.pop()
            if isinstance(node, list):
                rest += [(each, about, same) for each in node[:max(0, METADATA_VALUES - len(rest))]]
            elif isinstance(node, dict):
                node = {**{k: v for k, v in node.items() if k != "properties"}, **mapping(node.get("properties"))}
                about = self._item(node, about, same)
                for key, value in node.items():
                    if name := PROPERTIES.get(type_of(key)):
                        for said in texts(value):
                            self.say("schema.org", name, said, about, where)
                    if isinstance(value, (dict, list)):
                        rest.append((value, about, key in SAME_ITEM))
        self.truncated(f"only the first {METADATA_VALUES} values of {where.split()[0]} were read")

    def _item(self, node: dict[str, Any], outer: str | None, same: bool) -> str | None:
        """What an item of schema.org is about."""
        types = {type_of(t) for t in texts(node.get("@type") or node.get("type") or "")}
        medium = not types.isdisjoint(MEDIA_ITEMS)
        keys = ("contentUrl", "url", "@id", "id") if medium else ("mainEntityOfPage", "url", "@id", "id")
        said = [self._resolve(text) for key in keys for text in texts(node.get(key))]
        if medium or not same:
            return next(filter(None, said), None)
        if not said or any(same_page(address, self.page) for address in said if address):
            return outer
        return next(filter(None, said), None)


def _licensing(node: LexborNode) -> bool:
    """Whether an element has a licence link: HTML's own on three elements, RDFa's on all."""
    a = node.attributes
    rel, said = (a.get("rel") or "").lower().split(), (a.get("property") or "").lower().split()
    if node.tag in ("link", "a", "area") and LICENSE in rel:
        return True
    return any(":" in word and word in LICENSE_NAMES for word in (*rel, *said))


def _named_properties(e: LexborNode, names: Container[str]) -> bool:
    return any(type_of(name) in names for name in (e.attributes.get("itemprop") or "").split())


def _text(e: LexborNode) -> str:
    """The first text in an element; looks at few nodes, for elements nest."""
    parts: list[str] = []
    for node in islice(e.traverse(include_text=True), TEXT_NODES):
        if node.is_text_node:
            parts.append(node.text_content or "")
    return "".join(parts).strip()[:TEXT_CHARS]


def _dublin_core(name: str) -> str:
    prefix, dot, term = name.strip().partition(".")
    known = dot and prefix.lower() in DUBLIN_CORE_PREFIXES and term.lower() in DUBLIN_CORE
    return name.strip() if known else ""
