"""An answer (crawler/answer.py) on a terminal, in plain words."""
from __future__ import annotations

from typing import Any

from ..terminal import COLOURS, say, table
from .output import paragraph

JSON = dict[str, Any]
OLDER = {"1996": "a crawler by the rules of 1996 (the first line that fits, no wildcards):",
         "2008": "a crawler by the rules of 2008 (the first line that fits):"}

UNSAID = {"refusal": "Any reservation", "permission": "Any permission"}
STATUSES = {401: "The server asks for a login before it gives this page",
            402: "The server asks for payment before it gives this page", 403: "The server refuses to give us this page",
            404: "There is no such page", 410: "This page is gone for good",
            429: "The server asks us to come later", 451: "This page is withheld by order of law"}
FAILURES = {"unavailable": "There is no such page", "unreachable": "The page could not be reached",
            "refused": "The page was refused", "not-collected": "The page was not fetched"}


def what_happened(evidence: list[JSON]) -> str:
    """One sentence about the page itself where it did not come; "" where it did."""
    page = next((e for e in evidence if e["carrier"] == "body"), None)
    if page is None or page["access"] not in FAILURES:
        return ""
    status, detail = page.get("status") or 0, page.get("detail", "").rpartition("not asked: ")[2].rstrip(".")
    if page["access"] != "not-collected" and status >= 400:
        known = "The server failed to give this page" if status >= 500 else "The server does not give this page"
        return f"{STATUSES.get(status, known)} ({status})."
    return FAILURES[page["access"]] + (f": {detail}." if detail else ".")


def tell(view: JSON, verbose: bool = False) -> None:
    """Print everything that is in an answer; evidence with times and digests only where asked for."""
    say(view["url"])
    if happened := what_happened(view["evidence"]):
        paragraph(happened, 2)
    if view.get("requested", view["url"]) != view["url"]:
        say(f"asked for as {view['requested']}", indent=2)
    say(f"{view['title']} ({view['policy']})", indent=2)
    table(("use", "that is", "verdict"), [(use, view["meanings"][use], verdict) for use, verdict in view["verdicts"].items()])
    for reason in view["reasons"]:
        _reason(reason)
    _list("Also found, without deciding", list(dict.fromkeys(also for r in view["reasons"] for also in r["also"])))
    _list("Silent", [f"{s['name']}{'' if s['there'] else ', as there is none'}" for s in view["silent"]])
    _list("Could not be read", [unread(u) for u in view["unread"]])
    _contradictions(view["contradictions"])
    _list("Would change the answer", changes(view["changes"], bool(view["silent"])))
    if older := view.get("older_readings"):
        _list("Older crawlers will read this robots.txt differently",
              [older_reading(o, older["rfc9309"], allowed) for o, allowed in older.items() if o in OLDER])
    if verbose:
        say("Evidence:")
        for n, e in enumerate(view["evidence"]):
            lies = view["lies"][n] if view.get("lies") else ""
            paragraph("  ".join(filter(None, (e["carrier"], e["access"], str(e.get("status") or ""), e["uri"], e.get("at", ""),
                                              e.get("digest", ""), e.get("detail", ""), lies))), 2, "- ")


def _reason(reason: JSON) -> None:
    say(f"{reason['verdict'].capitalize()}: {', '.join(reason['uses'])}", COLOURS.get(reason["verdict"], ""))
    for sentence in reason["because"]:
        paragraph(sentence, 2, "- ")
    for label, things in (("Where", reason["places"]), ("Source", reason["citations"]),
                          ("Leave may be had at", reason["terms"]), ("In return", reason["duties"])):
        for thing in things:
            paragraph(thing, 4, f"{label}: ")


def _contradictions(found: list[JSON]) -> None:
    """For each word the first sentence about it, then its place, and all that stands against it."""
    if found:
        say("Contradictions:")
    groups: dict[tuple[str, str], list[JSON]] = {}
    for c in found:
        groups.setdefault((c["kind"], _quoted(c["grant"])), []).append(c)
    for (_, grant), group in groups.items():
        paragraph(group[0]["sentence"], 2, "- ")
        paragraph(grant, 4, "One side: ")
        for against in dict.fromkeys(_quoted(c["against"]) for c in group):
            paragraph(against, 4, "Other side: ")


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


def changes(found: list[JSON], silent: bool) -> list[str]:
    """What would make another verdict. Words that nobody said yet could stand in every place that was silent: one line."""
    out = [change(c) for c in found if not (silent and c["what"] in UNSAID)]
    for what, words in UNSAID.items() if silent else ():
        uses: dict[str, dict[str, None]] = {}
        for c in found:
            if c["what"] == what:
                uses.setdefault(c["verdict"], {}).update(dict.fromkeys(c["uses"]))
        out += [f"{words} in one of the places listed under Silent: {', '.join(each)} would be {verdict}"
                for verdict, each in uses.items()]
    return out


def change(c: JSON) -> str:
    """What would make another verdict."""
    then = f"{', '.join(c['uses'])} would be {c['verdict']}"
    match c["what"]:
        case "gone":
            return f"Without {' and '.join(c['of'])}: {then}"
        case "read":
            return f"If it could be read and said nothing ({', '.join(c['of'])}): {then}"
        case what:
            return f"A {what} for everyone, in {' or '.join(c['of'])}: {then}"


def older_reading(reading: str, ours: bool, allowed: bool | None) -> str:
    """How an older reading differs from RFC 9309."""
    said = {True: "it may fetch the page", False: "it may not fetch the page", None: "there is no answer in time"}
    return f"{OLDER[reading]} {said[allowed]}; by RFC 9309 it {'may' if ours else 'may not'}."
