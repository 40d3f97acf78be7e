"""Descriptions of data sets and models: cards (Hugging Face) and Croissant.

Facts (https://huggingface.co/docs/hub/datasets-cards and /datasets-gated; Croissant 1.1, https://docs.mlcommons.org/croissant/)
- A card is `README.md` that starts with YAML between two lines of `---`. `license` is an identifier, or a list of them; with
  `other`, `license_name` and `license_link` tell more. `extra_gated_prompt` is what people agree to before they are let in.
- Croissant is JSON-LD: `license` is an address or an identifier; `usageInfo` holds terms of the Data Use Ontology or of ODRL.
- Card identifiers are those of SPDX in lower case for Creative Commons.
- OURS: only keys at the margin are read, line by line, without a parser of YAML; words of a card are prose.
- OURS: `usageInfo` is a circumstance: whether its terms allow mining is not read, and it is not silence.
"""
from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ..creative_commons import licence as known_licence
from ..limits import CARD_BYTES, CARD_VALUES, QUOTE_CHARS
from ..memo import latest
from ..model import Asker, Asset, Carrier, Circumstance, CircumstanceKind, Evidence, Fault, FaultKind, Finding, Subject, Terms
from ..phrases import could_speak
from . import licence, prose

KEYS = frozenset({"license", "license_name", "license_link", "license_details", "extra_gated_prompt", "extra_gated_description",
                  "extra_gated_heading"})
TEXTS = ("extra_gated_heading", "extra_gated_prompt", "extra_gated_description", "license_details")
CROISSANT = b"mlcommons.org/croissant"

_FENCE = re.compile(r"^---[ \t]*$", re.MULTILINE)
_KEY = re.compile(r"([A-Za-z_]{1,40})[ \t]*:(?:[ \t]+(.*))?")
_TERM = re.compile(r"\s*(?:https?:|duo:|odrl:)\S+\s*", re.IGNORECASE)


def read(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    body = evidence.body
    if body.startswith((b"---\n", b"---\r\n", b"\xef\xbb\xbf---")):
        out = _card(evidence, asker)
    elif body[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and CROISSANT in body[:CARD_BYTES]:
        out = _croissant(evidence, asker)
    else:
        return []
    return licence.capped(out, Carrier.BODY)


# ---- cards

def _card(evidence: Evidence, asker: Asker) -> list[Finding]:
    told, text, faults = _front(evidence.body)
    if not told:
        return []
    page, out = evidence.final_uri or evidence.uri, list[Finding](faults)
    link = next(iter(told.get("license_link", ())), "")
    for name in told.get("license", ()):
        address = link if name.lower() in ("other", "unknown") and link else name
        out += licence.state("licence.card", address, asker, Subject.ASSET, "license", page)
    if "license" not in told and link:
        out += licence.state("licence.card", link, asker, Subject.ASSET, "license_link", page)
    texts = [(key, value) for key in TEXTS for value in told.get(key, ())]
    if could_speak(text.encode("utf-8", "replace")):
        texts.append(("text", text))
    return [*out, *(prose.stated("prose.card", Carrier.BODY, texts) if texts else ())]


@latest
def _front(body: bytes) -> tuple[dict[str, list[str]], str, tuple[Fault, ...]]:
    """The keys of KEYS with their values, and the text after them; no keys where it is no card."""
    text = body[:CARD_BYTES].decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")
    fences = _FENCE.finditer(text)
    first, second = next(fences, None), next(fences, None)
    if not first or not second:
        return {}, "", ()
    told = _keys(text[first.end():second.start()])
    cut = len(body) > CARD_BYTES and bool(told)
    faults = (Fault(Carrier.BODY, FaultKind.TRUNCATED, f"only the first {CARD_BYTES} bytes were read", "card"),) if cut else ()
    return told, text[second.end():], faults


def _keys(text: str) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in (*text.split("\n"), "end:"):
        if key := _KEY.match(line):
            lines = told.setdefault(key[1], []) if key[1] in KEYS else []
            lines.append(key[2] or "")
        elif lines:
            lines.append(line)
    return {key: values for key, lines in told.items() if (values := _values(lines))}


def _values(lines: list[str]) -> list[str]:
    """One value, or those of a list; quotation marks and marks of blocks are left out."""
    head = lines[0].strip()
    if head.startswith("["):
        return [v for part in " ".join(lines).strip(" []").split(",") if (v := _bare(part))][:CARD_VALUES]
    if not head and all(line.lstrip().startswith("-") or not line.strip() for line in lines[1:]):
        return [v for line in lines[1:] if (v := _bare(line.lstrip(" -")))][:CARD_VALUES]
    block = head[:1] in ("|", ">")
    value = ("\n" if head[:1] == "|" else " ").join(line.strip() for line in (lines[1:] if block else lines))
    if v := value.strip() if block else _bare(value):
        return [v]
    return []


def _bare(value: str) -> str:
    value = value.strip()
    if value[:1] not in ("'", '"'):
        value = value.split(" #")[0].strip()
    return value.strip("'\"").strip()


# ---- Croissant

def _croissant(evidence: Evidence, asker: Asker) -> list[Finding]:
    if len(evidence.body) > CARD_BYTES:
        return [Fault(Carrier.BODY, FaultKind.TRUNCATED, f"longer than {CARD_BYTES} bytes", "croissant")]
    try:
        top = json.loads(evidence.body)
    except (ValueError, RecursionError):
        return [Fault(Carrier.BODY, FaultKind.MALFORMED, "it is no JSON", "croissant")]
    page, out, texts = evidence.final_uri or evidence.uri, list[Finding](), list[tuple[str, str]]()
    for name, value in _said(top):
        if name == "license" and (known_licence(value) or " " not in value):
            out += licence.state("licence.croissant", value, asker, Subject.ASSET, name, page)
        elif name == "usageInfo" and (_TERM.fullmatch(value) or value.startswith("{")):
            terms = Terms(url=value if value.startswith("http") else "")
            out.append(Circumstance(CircumstanceKind.LICENCE_UNREAD, "licence.croissant", name, value[:QUOTE_CHARS], terms))
        else:
            texts.append((name, value))
    return [*out, *(prose.stated("prose.card", Carrier.BODY, texts) if texts else ())]


def _said(top: object) -> Iterator[tuple[str, str]]:
    """(license or usageInfo, value) of the data set, each value as text."""
    for key, value in top.items() if isinstance(top, dict) else ():
        name = key.rpartition(":")[2].rpartition("/")[2]
        if name in ("license", "usageInfo", "conditionsOfAccess"):
            for each in (value if isinstance(value, list) else [value])[:CARD_VALUES]:
                if text := _text(each):
                    yield name, text


def _text(value: object) -> str:
    if isinstance(value, dict):
        address = next((v for k in ("@id", "url", "sc:url", "@value") if isinstance(v := value.get(k), str) and v), "")
        return address or json.dumps(value)[:QUOTE_CHARS]
    return value.strip() if isinstance(value, str) else ""
