"""An answer (crawler/answer.py) on a terminal, in plain words of any language (report/messages/telling.yaml)."""
from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from rules.explain import words

from ..report.catalogue import Catalogue
from ..terminal import COLOURS, say, table
from .output import paragraph

JSON = dict[str, Any]
Text = Callable[..., str]
OLDER = ("1996", "2008")                 # readings of robots.txt that have a message
STATUSES = (401, 402, 403, 404, 410, 429, 451)   # that have one
UNSAID = ("refusal", "permission")
FAILURES = ("unavailable", "unreachable", "refused", "not-collected")


def text_in(lang: str) -> Text:
    catalogue = Catalogue(lang)
    return lambda name, /, **parameters: catalogue.text(f"telling.{name}", **parameters)


def what_happened(evidence: list[JSON], lang: str = "en") -> str:
    """One sentence about the page itself where it did not come; "" where it did."""
    text = text_in(lang)
    page = next((e for e in evidence if e["carrier"] == "body"), None)
    if page is None or page["access"] not in FAILURES:
        return ""
    status, detail = page.get("status") or 0, page.get("detail", "").rpartition("not asked: ")[2].rstrip(".")
    if page["access"] != "not-collected" and status >= 400:
        known = f"status-{status}" if status in STATUSES else "failed" if status >= 500 else "withheld"
        return f"{text(known)} ({status})."
    return text(page["access"]) + (f": {detail}." if detail else ".")


def tell(view: JSON, verbose: bool = False, lang: str = "en") -> None:
    """Print everything that is in an answer; evidence with times and digests only where asked for."""
    text = text_in(lang)
    say("  ".join(filter(None, (view["url"], view.get("at", "")))))
    if happened := what_happened(view["evidence"], lang):
        paragraph(happened, 2)
    if view.get("requested", view["url"]) != view["url"]:
        say(text("asked-as", url=view["requested"]), indent=2)
    say(f"{view['title']} ({view['policy']})", indent=2)
    verdicts = {word: text(word) for word in COLOURS}
    table((text("use"), text("meaning"), text("verdict")),
          [(use, view["meanings"][use], verdicts[verdict]) for use, verdict in view["verdicts"].items()],
          colours={shown: COLOURS[word] for word, shown in verdicts.items()})
    for reason in view["reasons"]:
        _reason(reason, text, lang)
    passed = [p["sentence"] for p in view.get("passed", ())]
    _list(text("also"), list(dict.fromkeys([*(also for r in view["reasons"] for also in r["also"]), *passed])))
    _list(text("silent"), [s["name"] if s["there"] else text("absent", name=s["name"]) for s in view["silent"]])
    _list(text("unread"), [unread(u) for u in view["unread"]])
    _contradictions(view["contradictions"], text)
    _list(text("changes"), changes(view["changes"], [s["name"] for s in view["silent"]], text))
    if older := view.get("older_readings"):
        _list(text("older"), [older_reading(o, older["rfc9309"], allowed, text) for o, allowed in older.items() if o in OLDER])
    if verbose:
        say(f"{text('evidence')}:")
        for n, e in enumerate(view["evidence"]):
            located = view["locations"][n] if view.get("locations") else ""
            paragraph("  ".join(filter(None, (e["carrier"], e["access"], str(e.get("status") or ""), e["uri"], e.get("at", ""),
                                              e.get("digest", ""), e.get("detail", ""), located))), 2, "- ")


def _reason(reason: JSON, text: Text, lang: str) -> None:
    decided = text("decided", verdict=text(reason["verdict"]), uses=", ".join(reason["uses"]))
    say(decided[:1].upper() + decided[1:], COLOURS.get(reason["verdict"], ""))
    for sentence in reason["because"]:
        paragraph(sentence, 2, "- ")
    duties = [words(lang)["duty"][duty] for duty in reason["duties"]]
    for label, things in (("place", reason["places"]), ("source", reason["citations"]), ("leave", reason["terms"]),
                          ("asks", reason["asks"]), ("duties", duties), ("factors", reason["factors"])):
        for thing in things:
            paragraph(thing, 4, f"{text(label)}: ")


def _contradictions(found: list[JSON], text: Text) -> None:
    """For each word the first sentence about it, then its place, and all that stands against it."""
    if found:
        say(f"{text('contradictions')}:")
    groups: dict[tuple[str, str], list[JSON]] = {}
    for c in found:
        groups.setdefault((c["kind"], _quoted(c["grant"])), []).append(c)
    for (_, grant), group in groups.items():
        paragraph(group[0]["sentence"], 2, "- ")
        paragraph(grant, 4, f"{text('one-side')}: ")
        for against in dict.fromkeys(_quoted(c["against"]) for c in group):
            paragraph(against, 4, f"{text('other-side')}: ")


def _quoted(word: JSON) -> str:
    """A word and its place."""
    return f"{word['place']}: '{word['quote']}' ({word['signal']})" if word["quote"] else f"{word['place']} ({word['signal']})"


def _list(title: str, things: list[str]) -> None:
    if things:
        say(f"{title}:")
        for thing in things:
            paragraph(thing, 2, "- ")


def unread(u: JSON) -> str:
    """One place that could not be read, and why; the detail of those that decided has been told."""
    detail = "" if u["decides"] else ", ".join(filter(None, (u["detail"], u["where"])))
    return f"{u['name']}: {u['fault']}" + (f" ({detail})" if detail else "")


def changes(found: list[JSON], silent: Collection[str], text: Text) -> list[str]:
    """What would make another verdict. Words that nobody said yet and that could stand in every silent place: one line."""
    anywhere = [c for c in found if c["what"] in UNSAID and set(silent) <= set(c["of"])]
    out = [change(c, text) for c in found if c not in anywhere]
    for what in UNSAID:
        uses: dict[str, dict[str, None]] = {}
        for c in anywhere:
            if c["what"] == what:
                uses.setdefault(c["verdict"], {}).update(dict.fromkeys(c["uses"]))
        out += [text(f"any-{what}", then=_then(tuple(each), verdict, text)) for verdict, each in uses.items()]
    return out


def change(c: JSON, text: Text) -> str:
    """What would make another verdict."""
    of = _joined(c["of"], "and" if c["what"] == "gone" else "or", text) if c["what"] != "read" else ", ".join(c["of"])
    return text(c["what"], of=of, then=_then(c["uses"], c["verdict"], text))


def _then(uses: Sequence[str], verdict: str, text: Text) -> str:
    return text("would-be", uses=", ".join(uses), verdict=text(verdict))


def _joined(things: Sequence[str], how: str, text: Text) -> str:
    out, *rest = things or ("",)
    for thing in rest:
        out = text(how, a=out, b=thing)
    return out


def older_reading(reading: str, ours: bool, allowed: bool | None, text: Text) -> str:
    """How an older reading differs from RFC 9309."""
    said = {True: "may", False: "may-not", None: "no-answer"}
    return text("older-reading", crawler=text(f"older-{reading}"), reading=text(said[allowed]), ours=text(said[ours]))
