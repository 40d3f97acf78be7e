"""Assertions about training and data mining in C2PA manifests, as they stand written: nothing is validated here.

Facts (CAWG Training and Data Mining Assertion 1.1, https://cawg.io/training-and-data-mining/1.1/; C2PA Technical Specification
1.4, 18.21, and 2.4, A, https://spec.c2pa.org/; both read in secondary text)
- An assertion `cawg.training-mining` (before 2024 `c2pa.training-mining`) has `entries`: a map from a use to `use`, which is
  `allowed`, `notAllowed` or `constrained`, and `constraint_info`, a text. What is left out is not stated.
- Uses: `data_mining`; `ai_inference`, input to a model; `ai_training`, models that do not generate, and
  `ai_generative_training`, models that do: neither covers the other. Others may be added by anybody.
- `constrained` without information counts as `notAllowed`.
- OURS: a restriction counts whether or not the manifest is valid, because who strips or breaks a signature frees nothing. A
  permission would need a valid manifest and a signer who may give it; so `allowed` is no finding here, and silence answers.
- OURS: the manifests of ingredients are read, too, because an edited copy keeps what its original said.
- OURS: of what one manifest says about one use, the strictest counts. A restriction of a use that is not known is a Fault.
- PRACTICE: `constraints_info` (the text of the specification), maps without `entries` (the schema of 1.0), keys under the
  other prefix (c2pa-rs) and plain words for maps are written; they are read as lenient.
- C2PA 2.4, A: besides the files that `containers` knows, a store stands alone (`.c2pa`); in `<script type=application/c2pa>`
  as Base64; between BEGIN and END C2PA MANIFEST in text, as a `data:` URI. OURS: the characters of no width that plain text
  can hide one in are not read. One elsewhere is named by `<link rel=c2pa-manifest>`, by a URI between these marks, or in
  XMP by `dcterms:provenance`: as it is not fetched, it is a Fault.
"""
from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ..cbor import Map, NotCbor, decode
from ..containers import parts
from ..jumbf import Content, Reading, contents
from ..limits import ASSERTION_BYTES, ASSERTIONS, DETAIL_CHARS, HTML_BYTES, QUOTE_CHARS
from ..memo import latest
from ..model import Asker, Asset, Carrier, Evidence, Fault, FaultKind, Finding, Form, Preference, Statement, Terms
from ..scan import Trigger
from ..vocab import TERMS, Term
from .xmp import provenance

SIGNAL, PROTOCOL = "c2pa.assertion", "cawg"
LABELS = ("cawg.training-mining", "c2pa.training-mining")
PREFIXES = ("cawg", "c2pa")
ALLOWED, NOT_ALLOWED, CONSTRAINED = "allowed", "notAllowed", "constrained"
INFO = ("constraint_info", "constraints_info")

TRIGGERS = Trigger((b"c2pa",))      # in text; files are read by all

_NOT_LETTERS = re.compile(r"[^a-z]")
_WORDS = {_NOT_LETTERS.sub("", word): term for (protocol, word), term in TERMS.items() if protocol == PROTOCOL}
_ANSWERS = {answer.lower(): answer for answer in (ALLOWED, NOT_ALLOWED, CONSTRAINED)}
_NUMBERED = re.compile(r"(.*?)__\d+\Z", re.DOTALL)
_SCRIPT = re.compile(rb"<script\b[^<>]{0,500}?\btype\s*=\s*[\"']?application/c2pa\b[^<>]{0,500}>([^<]*)<", re.IGNORECASE)
_LINK = re.compile(rb"<link\b[^<>]{0,1000}?\brel\s*=\s*[\"']?[^\"'<>]{0,80}?\bc2pa-manifest\b", re.IGNORECASE)
_BEGIN, _END = b"-----BEGIN C2PA MANIFEST-----", b"-----END C2PA MANIFEST-----"
_DATA_URI = re.compile(rb"\Adata:application/(?:x-)?c2pa(?:-manifest-store)?;base64,", re.IGNORECASE)


def read(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    """What the manifests in a body restrict, and those that were not read."""
    return list(_found(evidence.body))


@latest
def _found(body: bytes) -> tuple[Finding, ...]:
    inside, held = _Inside(), parts(body)
    for part in held.jumbf:
        inside.store(part.data)
    if not held.jumbf:
        for where, uri in provenance(body):
            absent = "remote manifest not read" if "://" in uri else "the manifest that it names is not in it"
            inside.fault(FaultKind.NOT_COLLECTED, f"{absent}: {uri}", where)
    if not held.kind:
        inside.text(body)
    return tuple(dict.fromkeys(inside.findings))


@dataclass(slots=True)
class _Said:
    """One answer about one use, and how it was written."""
    term: Term
    answer: str
    info: str
    form: Form
    note: str
    where: str
    quote: str

    @property
    def rank(self) -> int:
        """How strict it is."""
        return 0 if self.answer == ALLOWED else 1 if self.info else 2


@dataclass(slots=True)
class _Inside:
    """Everything that one body holds."""
    findings: list[Finding] = field(default_factory=list)

    def store(self, data: bytes, where: str = "c2pa") -> None:
        """One manifest store: a statement for each use that one of its manifests restricts."""
        reading, said = Reading(), dict[tuple[str, str], list[_Said]]()
        number = 0
        for content in contents(data, reading):
            label = _assertion(content)
            if not label:
                continue
            number += 1
            if number > ASSERTIONS:
                self.fault(FaultKind.TRUNCATED, f"only the first {ASSERTIONS} assertions about mining were read", where)
                break
            place = _place(content, where)
            for one in self._entries(content, label, place):
                said.setdefault((place.rpartition("/")[0], one.term.word), []).append(one)
        if reading.failure:
            self.fault(*reading.failure, where)
        kept: dict[Finding, Finding] = {}
        for answers in reversed(said.values()):                    # the active manifest is the last
            for finding in _strictest(answers):
                kept.setdefault(replace(finding, where="", quote=""), finding)
        self.findings += kept.values()

    def text(self, body: bytes) -> None:
        """Stores in the source of a page and in text, and the addresses of others."""
        if b"c2pa" not in body and b"C2PA" not in body:
            return
        head = body[:HTML_BYTES]
        for script in _SCRIPT.finditer(head):
            self._base64(script[1], "script")
        for _ in _LINK.finditer(head):
            self.fault(FaultKind.NOT_COLLECTED, "a manifest elsewhere was not read", "link c2pa-manifest")
        for block in _blocks(head):
            if uri := _DATA_URI.match(address := block.strip(b"\r\n\t #*/;-<>!\"'")):
                self._base64(address[uri.end():], "manifest block")
            else:
                self.fault(FaultKind.NOT_COLLECTED, "a manifest elsewhere was not read", "manifest block")

    def _base64(self, text: bytes, where: str) -> None:
        try:
            data = base64.b64decode(b"".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            data = b""
        if data[4:8] == b"jumb":
            self.store(data)
        else:
            self.fault(FaultKind.MALFORMED, "a manifest that is no Base64 of one", where)

    def fault(self, kind: FaultKind, detail: str, where: str) -> None:
        self.findings.append(Fault(Carrier.BODY, kind, detail[:DETAIL_CHARS], where))

    def _entries(self, content: Content, label: str, where: str) -> Iterator[_Said]:
        try:
            top = _value(content)
        except (NotCbor, ValueError, RecursionError) as error:
            self.fault(FaultKind.MALFORMED, f"an assertion about mining that cannot be read: {error}", where)
            return
        if not isinstance(top, Map):
            self.fault(FaultKind.MALFORMED, "an assertion about mining that is no map", where)
            return
        wrapped = [m for m in top.values("entries") if isinstance(m, Map)]
        for key, value in (pair for m in wrapped for pair in m.pairs):
            yield from self._entry(key, value, label, "", where)
        for key, value in top.pairs:
            if key != "entries" and (not wrapped or _known(key)):
                yield from self._entry(key, value, label, "no-entries", where)
            elif key == "entries" and not isinstance(value, Map):
                self.fault(FaultKind.MALFORMED, "entries that are no map", where)

    def _entry(self, key: object, value: object, label: str, note: str, where: str) -> Iterator[_Said]:
        answers, infos, told = _answers(value)
        if not answers and not _known(key):
            return                                                 # metadata beside the entries
        term, prefix = _known(key) or (None, "")
        name = str(key)[:80]
        quote = f"{name}: {', '.join(str(a)[:80] for a in answers)}{''.join(f'; {i}' for i in infos)}"[:QUOTE_CHARS]
        if not answers:
            self.fault(FaultKind.MALFORMED, f"'{name}' says neither yes nor no", where)
        for answer in answers:
            plain = _ANSWERS.get(_NOT_LETTERS.sub("", answer.lower())) if isinstance(answer, str) else None
            if plain is None and term:
                self.fault(FaultKind.MALFORMED, f"'{name}' is {str(answer)[:80]!r}", where)
            elif term is None and plain != ALLOWED:
                self.fault(FaultKind.UNRESOLVED, f"a use is restricted that is not known: {name}", where)
            elif term and plain:
                deviation = note or told or _deviation(name, prefix, label, term, str(answer), plain)
                form = Form.LENIENT if deviation else Form.LEGACY if label == LABELS[1] else Form.EXACT
                info = " ".join(infos) if plain == CONSTRAINED else ""
                yield _Said(term, plain, info, form, deviation, where, quote)


def _blocks(text: bytes) -> Iterator[bytes]:
    """What stands between the marks."""
    begin = text.find(_BEGIN)
    while begin >= 0 and (end := text.find(_END, begin)) >= 0:
        yield text[begin + len(_BEGIN):end]
        begin = text.find(_BEGIN, end)


def _assertion(content: Content) -> str:
    """The label of an assertion about mining, without its number; "" for all others."""
    if content.type not in (b"cbor", b"json") or not content.path:
        return ""
    label = content.path[-1].lower()
    if numbered := _NUMBERED.match(label):
        label = numbered[1]
    return label if label in LABELS else ""


def _place(content: Content, where: str) -> str:
    manifest = content.path[1] if len(content.path) > 2 else ""
    return "/".join(filter(None, (where, manifest, content.path[-1] if content.path else "")))


def _value(content: Content) -> object:
    if len(content.data) > ASSERTION_BYTES:
        raise ValueError(f"longer than {ASSERTION_BYTES} bytes")
    data = bytes(content.data)
    return decode(data) if content.type == b"cbor" else json.loads(data, object_pairs_hook=lambda pairs: Map(tuple(pairs)))


def _known(key: object) -> tuple[Term, str] | None:
    """The term of a key, and the prefix that the key has."""
    if not isinstance(key, str):
        return None
    prefix, _, word = key.lower().rpartition(".")
    term = _WORDS.get(_NOT_LETTERS.sub("", word)) if prefix in (*PREFIXES, "") else None
    return (term, prefix) if term else None


def _answers(value: object) -> tuple[list[object], list[str], str]:
    """The answers of an entry, what they are constrained by, and which leniency it took to find them."""
    if isinstance(value, Map):
        answers = [v for name in ("use", "Use") for v in value.values(name)]
        infos = [v.strip() for name in INFO for v in value.values(name) if isinstance(v, str) and v.strip()]
        return answers, infos, "constraints_info" if any(value.values(INFO[1])) else ""
    return ([value], [], "plain-value") if isinstance(value, str) else ([], [], "")


def _deviation(key: str, prefix: str, label: str, term: Term, answer: str, plain: str) -> str:
    if prefix != label.partition(".")[0]:
        return "key-prefix"
    return "spelling" if key != f"{prefix}.{term.word}" or answer != plain else ""


def _strictest(answers: list[_Said]) -> list[Statement]:
    """The strictest of what one manifest says about one use."""
    top = max(answers, key=lambda said: said.rank)
    if top.answer == ALLOWED:
        return []
    mixed = len({said.rank for said in answers}) > 1
    note = top.note or ("conflicting-values" if mixed else "")
    return [Statement(SIGNAL, use, Preference.DISALLOW, form=Form.LENIENT if note else top.form, where=top.where,
                      terms=Terms(conditions=(top.info[:DETAIL_CHARS],)) if top.info else None, quote=top.quote, note=note)
            for use in top.term.uses]
