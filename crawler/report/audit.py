"""An audit told to people and to programs: text, Markdown, HTML, SARIF, each out of the one value (crawler/audit/report.py).

**Facts**
- SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html): 3.27 results with a level, a rule and places;
  3.49 rules; a place is a URI and, where a line is known, a region (3.29, 3.30).
- Words of strangers are parameters and quotes; they are escaped or made harmless where they are shown, never here.
"""
from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any
from urllib.parse import quote, urlsplit

from markupsafe import Markup

from rules.limits import URL_CHARS

from ..audit.findings import MORE, TO_MEND, Found, Place, Status, kinds
from ..audit.hosts import can_merge, is_closed, lines_to_copy
from ..audit.hosts import title as host_title
from ..audit.report import NOT_ITS_JOB, Proof, Report, Row, to_json
from ..audit.site import origin
from ..effect import COLUMNS
from ..terminal import COLOURS, harmless
from .catalogue import LANGUAGES, Catalogue, markdown, messages

TONES = {Status.STATED: "good", Status.MISSING: "open", Status.BROKEN: "bad", Status.CONTRADICTS: "clash",
         Status.UNSEEN: "note"}
# Answer -> tone and symbol; "" for what is told without either.
ANSWERS = {"allowed": ("open", "good"), "refused": ("good", "stop"), "nothing-said": ("note", "dash"),
           "cannot-be-told": ("bad", "ask"), "never-fetches": ("", ""), "not-its-job": ("", "")}
LEVELS = {Status.BROKEN: "error", Status.CONTRADICTS: "warning", Status.MISSING: "warning", Status.UNSEEN: "none",
          Status.STATED: "none"}           # none: 3.27.10, of a result that is no failure
NAMED = "GPTBot, ClaudeBot, CCBot, Google-Extended"      # in lines to copy, where a finding names nobody
SHOWN_PLACES = 5                     # of one finding
SARIF = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
DECLARE = "maymine declare "
NO_PAGE = ("status 404", "status 410")
CANNOT = ("trained", "obeyed", "elsewhere", "before", "sample")
WORDS = ("robots.txt", "tdmrep.json", "headers", "pages", "images", "licence")
_NUMBERED = re.compile(r"\b(line|meta|rule|link) (\d{1,9})\b")


# Sentences

def site_of(r: Report) -> str:
    try:
        return urlsplit(r.home).netloc or r.home
    except ValueError:
        return r.home


def title(r: Report, say: Catalogue) -> str:
    return say.text("audit.title", site=site_of(r))


def headline(r: Report, say: Catalogue) -> str:
    """One sentence with counts, and no score; where there is a robots.txt, whom it reaches."""
    return " ".join(text for text, _ in sentences(r, say.text))


def sentences(r: Report, said: Callable[..., str]) -> Iterator[tuple[str, str]]:
    """Each with its tone, said in one of the ways of Catalogue; that the home page did not come, first of all."""
    if not r.came:
        lost = next((p for f in r.findings if f.id == "OO901" for p in f.places), Place(r.home))
        why = lost.quote[:URL_CHARS] or said("audit.access.unreachable")
        yield said(f"audit.{'no-page' if lost.quote in NO_PAGE else 'undecided'}", url=lost.url[:URL_CHARS], why=why), "bad"
    if r.to_mend:
        yield said("audit.todo", n=r.to_mend, **{s.value: r.count(s) for s in TO_MEND}), "open"
    elif r.came:
        yield said("audit.clean"), "good"
    if r.known:
        asks = any(f.id == "OO105" for f in r.findings)
        yield said(f"audit.{'reach-asks' if asks else 'reach'}", n=r.reached, known=r.known), "note"


def parameters(f: Found, say: Catalogue) -> dict[str, object]:
    """Those of its messages; a carrier is named in words."""
    return {k: ", ".join(carrier(name, say) for name in str(v).split(", ")) if k in ("grant", "against") else v
            for k, v in f.parameters.items()}


def carrier(name: str, say: Catalogue) -> str:
    return say.text(f"audit.carrier.{name}") if f"audit.carrier.{name}" in say else name


def answered(e: Proof, say: Catalogue) -> str:
    """How a server answered: its status, or in words that it did not."""
    if e.status is not None:
        return str(e.status)
    return say.text(f"audit.access.{e.access}") if f"audit.access.{e.access}" in say else e.access


def where(place: Place, say: Catalogue) -> str:
    """The place inside a file, in words."""
    return _NUMBERED.sub(lambda m: say.text(f"audit.{m[1]}", n=int(m[2])), place.where)


def host_name(r: Report, say: Catalogue) -> str:
    """What the site runs on, for people."""
    return say.text(f"declare.title-{r.host}") if f"declare.title-{r.host}" in say else host_title(r.host)


def made_at(r: Report, say: Catalogue) -> str:
    return say.text("audit.at", **_at(r))


def cannot(r: Report, said: Callable[..., str]) -> list[str]:
    """What this cannot show, said in one of the ways of Catalogue."""
    texts = [said(f"audit.cannot.{name}", **({"pages": r.pages, "images": r.pictures} if name == "sample" else {}))
             for name in CANNOT]
    return texts if r.as_agents else [*texts, said("audit.cannot.agents")]


def fix(f: Found, r: Report, language: str = LANGUAGES[0]) -> tuple[str, str]:
    """Lines to copy, and the command of maymine, which answers in this language."""
    home = _home(r)
    if is_closed(f.kind.place, r.host):
        copied, command = "", lines_to_copy("declare", r.host, home, "")[1]
    else:
        names = str(f.parameters.get("agents", NAMED)).removesuffix(MORE)
        copied, command = lines_to_copy(f.kind.fix, r.host, home, "\nUser-agent: ".join(names.split(", ")))
    if command.startswith(DECLARE):
        command += (" --merge robots.txt" if _merges(r) else "") + (f" --lang {language}" if language != LANGUAGES[0] else "")
    return copied, command


def first(command: str, r: Report, said: Callable[..., str]) -> str:
    """What is to be done before a command; "" for nothing."""
    return said("fix.merge", url=f"{_home(r)}/robots.txt") if " --merge " in command else ""


def _home(r: Report) -> str:
    return (origin(r.home) if len(r.home) <= URL_CHARS else "") or "https://example.org"


def _merges(r: Report) -> bool:
    """Whether a robots.txt came that can be kept and added to."""
    return r.known > 0 and can_merge(r.host) and not any(f.kind.fix == "robots-serve" for f in r.findings)


def how(f: Found, r: Report, said: Callable[..., str]) -> str:
    """How to mend it, in words, said in one of the ways of Catalogue."""
    if is_closed(f.kind.place, r.host):
        return said("fix.closed", host=host_title(r.host))
    own = f"{f.kind.fix}.{r.host}"
    return said(f"fix.{own if own in messages('fix') else f.kind.fix}")


def grouped(r: Report) -> list[tuple[list[str], Row]]:
    """Crawlers with the same answers together, those that train first, and large groups; of each group the first row."""
    rows = sorted(r.effect, key=lambda row: tuple(row.answers[c] for c in COLUMNS))
    groups = [list(g) for _, g in groupby(rows, key=lambda row: tuple(row.answers[c] for c in COLUMNS))]
    groups.sort(key=lambda g: (g[0].answers["train"] == NOT_ITS_JOB, -len(g)))
    return [([row.token for row in group], group[0]) for group in groups]


# Renderers

def as_text(r: Report, say: Catalogue) -> Iterator[tuple[str, str, int]]:
    """Lines with style and indent, for terminal.say."""
    colour = {Status.STATED: COLOURS["permitted"], Status.MISSING: COLOURS["undetermined"],
              Status.BROKEN: COLOURS["prohibited"], Status.CONTRADICTS: "magenta", Status.UNSEEN: ""}
    yield title(r, say), "", 0
    yield made_at(r, say), "", 0
    headlines = list(sentences(r, say.text))
    if not r.came:
        yield headlines.pop(0)[0], "", 0
    listing = False
    for f in r.findings:
        values = parameters(f, say)
        if not (listing and f.kind.status is Status.STATED):
            yield "", "", 0
        listing = f.kind.status is Status.STATED
        status, place = say.text(f"audit.status.{f.kind.status.value}"), say.text(f"audit.place.{f.kind.place}")
        yield f"{status.upper()}  {f.id}  {place}: {say.text(f'audit.{f.id}.what', **values)}", colour[f.kind.status], 0
        if f.kind.status is not Status.STATED:
            for p in f.places[:SHOWN_PLACES]:
                yield "  ".join(filter(None, (p.url, where(p, say), p.quote)))[:400], "", 2
            if len(f.places) > SHOWN_PLACES:
                yield say.text("audit.more", n=len(f.places) - SHOWN_PLACES), "", 2
        if f.kind.status in TO_MEND:
            yield say.text(f"audit.{f.id}.why", **values), "", 2
            yield say.text("audit.mend"), "", 2
            yield how(f, r, say.text), "", 4
            copied, command = fix(f, r, say.language)
            yield from ((line, "", 6) for line in copied.splitlines())
            if command:
                if before := first(command, r, say.text):
                    yield before, "", 4
                yield say.text("fix.command"), "", 4
                yield command, "", 6
    if r.effect:
        yield "", "", 0
        yield f"{say.text('audit.section.effect')} ({say.number(len(r.effect))})", "", 0
        for column in COLUMNS:
            told = Counter(row.answers[column] for row in r.effect).most_common()
            counts = ", ".join(f"{say.text(f'audit.answer.{answer}')} {say.number(n)}" for answer, n in told)
            yield f"{say.text(f'audit.column.{column}')}  {counts}", "", 2
    yield "", "", 0
    yield say.text("audit.section.cannot"), "", 0
    yield from ((f"- {text}", "", 2) for text in cannot(r, say.text))
    yield "", "", 0
    yield from ((sentence, "", 0) for sentence, _ in headlines)


def as_markdown(r: Report, say: Catalogue) -> str:
    out = [f"# {say.markdown('audit.title', site=site_of(r))}", say.markdown("audit.at", **_at(r))]
    out += [text for text, _ in sentences(r, say.markdown)]
    for section, statuses in (("mend", TO_MEND), ("unseen", (Status.UNSEEN,)), ("stated", (Status.STATED,))):
        found = [f for f in r.findings if f.kind.status in statuses]
        out += [f"## {say.text(f'audit.section.{section}')}"] if found else []
        for f in found:
            out += _markdown(f, r, say)
    if r.effect:
        out.append(f"## {say.text('audit.section.effect')}")
        head = [say.text(f"audit.column.{c}") for c in ("crawler", *COLUMNS)]
        rows = [[_md(", ".join(tokens)), *(say.text(f"audit.answer.{row.answers[c]}") for c in COLUMNS)]
                for tokens, row in grouped(r)]
        out.append("\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)))
    limits = "\n".join(f"- {text}" for text in cannot(r, say.markdown))
    out += [f"## {say.text('audit.section.cannot')}", limits, say.text("page.words")]
    return "\n\n".join(out) + "\n"


def _at(r: Report) -> dict[str, object]:
    return {"date": f"{r.at:%Y-%m-%d %H:%M} UTC", "pages": r.pages, "images": r.pictures, "requests": r.asked,
            "version": r.engine}


def _md(text: str) -> str:
    return markdown(text)


def _markdown(f: Found, r: Report, say: Catalogue) -> list[str]:
    values = parameters(f, say)
    out = [f"### {f.id} {say.text(f'audit.status.{f.kind.status.value}')}: {say.markdown(f'audit.{f.id}.what', **values)}"]
    if f.kind.status in TO_MEND:
        out.append(say.markdown(f"audit.{f.id}.why", **values))
    if f.kind.status is not Status.STATED and f.places:
        places = [f"- {'  '.join(_md(part) for part in (p.url, where(p, say), p.quote) if part)}"
                  for p in f.places[:SHOWN_PLACES]]
        rest = len(f.places) - SHOWN_PLACES
        out.append("\n".join(places + ([f"- {say.text('audit.more', n=rest)}"] if rest > 0 else [])))
    if f.kind.status in TO_MEND:
        copied, command = fix(f, r, say.language)
        out.append(f"**{say.text('audit.mend')}** {how(f, r, say.markdown)}")
        before = first(command, r, say.markdown)
        out += [text for text in (copied and _fenced(copied), before, command and _fenced(command)) if text]
    return out


def _fenced(text: str) -> str:
    return "\n".join(f"    {harmless(line)}" for line in text.split("\n"))       # indented code ends nowhere by itself


def as_html(r: Report, say: Catalogue) -> str:
    from . import page
    findings = [f for f in r.findings if f.kind.status is not Status.STATED]
    return page.render(
        "audit.html", say, title=title(r, say), data=to_json(r), r=r, report_at=_at(r), tones=TONES, answers=ANSWERS,
        columns=tuple(COLUMNS), sentences=list(sentences(r, say.html)), cannot=cannot(r, say.html), groups=grouped(r),
        words=WORDS,
        counts=[(TONES[s], r.count(s), say.text(f"audit.status.{s.value}")) for s in Status],
        mend=[_view(f, r, say) for f in findings if f.kind.status in TO_MEND],
        unseen=[_view(f, r, say) for f in findings if f.kind.status is Status.UNSEEN],
        stated=[_view(f, r, say) for f in r.findings if f.kind.status is Status.STATED],
        host=host_name(r, say), evidence=[(carrier(e.carrier, say), answered(e, say), e) for e in r.evidence])


def _view(f: Found, r: Report, say: Catalogue) -> dict[str, Any]:
    values = parameters(f, say)
    copied, command = fix(f, r, say.language) if f.kind.fix else ("", "")
    return {"id": f.id, "tone": TONES[f.kind.status], "status": say.text(f"audit.status.{f.kind.status.value}"),
            "place": say.text(f"audit.place.{f.kind.place}"), "what": say.html(f"audit.{f.id}.what", **values),
            "why": say.html(f"audit.{f.id}.why", **values) if f.kind.fix else Markup(""),
            "fix": how(f, r, say.html) if f.kind.fix else "", "copied": copied, "command": command,
            "first": first(command, r, say.html),
            "places": [(p.url, where(p, say), p.quote) for p in f.places[:SHOWN_PLACES]], "more": len(f.places) - SHOWN_PLACES,
            "spec": f.kind.spec, "url": f.kind.url}


def as_sarif(r: Report, say: Catalogue) -> dict[str, Any]:
    """One run of SARIF: all that is to be mended, and what was not seen."""
    told = [f for f in r.findings if f.kind.status is not Status.STATED]
    rules = list(dict.fromkeys(f.id for f in told))
    return {"$schema": SARIF, "version": "2.1.0", "runs": [{
        "tool": {"driver": {"name": "maymine", "version": r.engine, "rules": [
            {"id": i, "helpUri": kinds()[i].url, "properties": {"place": kinds()[i].place},
             "defaultConfiguration": {"level": LEVELS[kinds()[i].status]}} for i in rules]}},
        "language": say.language, "automationDetails": {"id": f"maymine-audit/{r.home}"},
        "invocations": [{"executionSuccessful": r.came, "endTimeUtc": f"{r.at:%Y-%m-%dT%H:%M:%SZ}"}],
        "results": [{
            "ruleId": f.id, "ruleIndex": rules.index(f.id), "level": LEVELS[f.kind.status],
            "kind": "fail" if f.kind.fix else "open",
            "message": {"text": say.text(f"audit.{f.id}.what", **parameters(f, say))},
            "partialFingerprints": {"maymine/v1": r.fingerprint(f)},
            "locations": [_location(p) for p in f.places[:100]]} for f in told]}]}


def _location(p: Place) -> dict[str, Any]:
    line = re.match(r"line (\d{1,9})", p.where)
    region = {"region": {"startLine": int(line[1])}} if line and int(line[1]) else {}
    uri = quote(p.url[:URL_CHARS], safe=":/?#[]@!$&'()*+,;=%-._~", errors="replace")       # a URI reference (3.4.3)
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, **region}}
