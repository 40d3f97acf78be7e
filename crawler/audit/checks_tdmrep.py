"""TDMRep and response fields: is a reservation there, can it be read, and does it hold for pages and pictures alike?

**Facts**
- `/.well-known/tdmrep.json` is an array; the first rule that matches counts, so `/` goes last (TDMRep, 6.1:
  https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/). A field of the response supersedes it (7), so a
  field for the whole site takes the exceptions of the file away.
- PRACTICE: a server that keeps people out of dot files keeps them out of /.well-known/ too; in nginx a `location` with one
  `add_header` of its own inherits none from around it (https://nginx.org/en/docs/http/ngx_http_headers_module.html).
"""
from __future__ import annotations

import json
from collections.abc import Iterator

from rules import Access, Carrier, Evidence, FaultKind, Form, Preference, Statement
from rules.limits import QUOTE_CHARS
from rules.signals import http_fields

from .findings import Found, Place
from .site import Seen, Site

EVERYTHING = ("/", "/*", "*")
FIELDS = ("tdmrep", "aipref", "robots-meta", "content-signal")       # protocols that have a response field


def check(site: Site) -> Iterator[Found]:
    yield from _file(site)
    yield from _policies(site)
    yield from _exceptions(site)
    yield from _malformed(site)
    yield from _uneven(site)


def _file(site: Site) -> Iterator[Found]:
    file = site.home.of(Carrier.TDMREP_JSON)
    if file is None:
        return
    where = (Place(file.uri),)
    faults = {f.kind: f for s in site.seen for f in s.faults(Carrier.TDMREP_JSON)}
    said = [f for s in site.seen for f in s.statements("tdmrep")]
    if file.access is Access.REFUSED:
        yield Found("OO202", {"status": file.status or 0}, where)
    elif FaultKind.INSTEAD in faults:
        yield Found("OO206", {}, where)
    elif FaultKind.MALFORMED in faults:
        fault = faults[FaultKind.MALFORMED]
        yield Found("OO203", {}, (Place(file.uri, fault.where, fault.detail),))
    elif any(f.form is Form.LENIENT and f.signal == "tdmrep.file" for f in said):
        bent = next(f for f in said if f.form is Form.LENIENT and f.signal == "tdmrep.file")
        yield Found("OO204", {}, (Place(file.uri, bent.where, bent.quote),))
    elif hidden := _hidden(file):
        yield Found("OO205", {"n": hidden}, where)
    elif not said and file.access in (Access.OBTAINED, Access.UNAVAILABLE) and site.home.came:
        yield Found("OO201", {}, where)
    if first := next((f for f in said if f.signal == "tdmrep.file" and f.preference is Preference.DISALLOW), None):
        yield Found("OO012", {}, (Place(file.uri, first.where, first.quote),))


def _hidden(file: Evidence) -> int:
    """How many rules stand behind one that matches everything."""
    try:
        rules = json.loads(file.body) if file.has_bytes else []
    except (ValueError, RecursionError):
        return 0
    places = [rule.get("location") for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
    first = next((n for n, place in enumerate(places) if place in EVERYTHING), len(places) - 1)
    return len(places) - 1 - first if places else 0


def _policies(site: Site) -> Iterator[Found]:
    """Policies that a reservation refers to, and that are not there."""
    lost = {e.uri: e for s in site.seen for e in s.evidence if e.carrier is Carrier.TDM_POLICY and not e.has_bytes}
    for uri, e in sorted(lost.items()):
        yield Found("OO208", {}, (Place(uri, "", e.detail),))


def _exceptions(site: Site) -> Iterator[Found]:
    """Places where one carrier of TDMRep takes back what another of them says."""
    places = []
    for s in site.seen:
        said = s.statements("tdmrep")
        for f in said:
            winner = next((w for w in said if w.signal == f.superseded_by and w.use is f.use and w.subject is f.subject), None)
            if winner and winner.preference is not f.preference:
                places.append(Place(s.asset.url, f"{f.where}; {winner.where}", f.quote))
                break
    if places:
        yield Found("OO209", {"n": len(places)}, tuple(places))


def _malformed(site: Site) -> Iterator[Found]:
    """Response fields that say nothing, though they seem to."""
    wrong: list[Place] = []
    for s in site.seen:
        fields = s.of(Carrier.HTTP_FIELDS)
        for value in http_fields.values(fields.body, b"tdm-reservation") if fields else ():
            if value.strip() not in ("0", "1"):
                wrong.append(Place(s.asset.url, "tdm-reservation", value[:QUOTE_CHARS]))
    if wrong:
        yield Found("OO207", {"n": len(wrong), "value": wrong[0].quote}, tuple(wrong))
    broken = [Place(s.asset.url, f.where, f.detail) for s in site.seen for f in s.faults(Carrier.HTTP_FIELDS)
              if f.kind is FaultKind.MALFORMED]
    if broken:
        yield Found("OO303", {"n": len(broken)}, tuple(broken))


def _reserves(s: Seen) -> Statement | None:
    """The first refusal that the response itself carries."""
    said = s.statements(*FIELDS, carrier=Carrier.HTTP_FIELDS)
    return next((f for f in said if f.preference is Preference.DISALLOW), None)


def _uneven(site: Site) -> Iterator[Found]:
    """Responses without the field that others have."""
    with_it: list[Seen] = []
    without: list[Seen] = []
    for s in site.pages:
        (with_it if _reserves(s) else without).append(s)
    tried = [s for s in without if not _has_wrong(s)]
    bare = [s for s in site.pictures if not _reserves(s) and not _has_wrong(s)]
    reserved = [(s, f) for s in site.seen if (f := _reserves(s))]
    if reserved:
        s, f = reserved[0]
        yield Found("OO013", {"n": len(reserved), "of": len(site.seen)}, (Place(s.asset.url, f.where, f.quote),))
    if with_it and tried:
        yield Found("OO301", {"n": len(tried), "of": len(site.pages)}, tuple(Place(s.asset.url) for s in tried))
    if with_it and bare:
        yield Found("OO302", {"n": len(bare), "of": len(site.pictures)}, tuple(Place(s.asset.url) for s in bare))


def _has_wrong(s: Seen) -> bool:
    """Whether there is a field that was told already, as it cannot be read, or that speaks otherwise on purpose."""
    fields = s.of(Carrier.HTTP_FIELDS)
    told = fields is not None and bool(http_fields.values(fields.body, b"tdm-reservation"))
    return told or bool(s.faults(Carrier.HTTP_FIELDS))
