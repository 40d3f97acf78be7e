"""trust.txt: the record `datatrainingallowed`.

Facts (JournalList, trust.txt, https://journallist.net/; read in the programs that write and check it, not in the specification)
- The file lies at `/trust.txt`, or else at `/.well-known/trust.txt`, and speaks for its site.
- Lines are `name=value`, names without regard to case; `#` starts a comment. `datatrainingallowed` is `yes` or `no`, once.
- OURS: where it stands several times, `no` wins. Another value says nothing; one that seems to say no is a Fault.
- OURS: white space around the parts, a colon for the sign and a value in upper case are read as lenient, all but the last.
- Markup is a page instead (page_instead.py).
"""
from __future__ import annotations

import re

from ..limits import AI_TXT_BYTES, DETAIL_CHARS, QUOTE_CHARS
from ..model import Asker, Asset, Carrier, Evidence, Fault, FaultKind, Finding, Form, Preference, Statement
from ..vocab import meaning
from .page_instead import is_page, page_instead

NAME = "datatrainingallowed"
VALUES = {"yes": Preference.ALLOW, "no": Preference.DISALLOW}
NOES = ("n", "false", "0", "deny", "disallow", "off")    # what a value that means no may start with

_RECORD = re.compile(r"[ \t]*datatrainingallowed([ \t]*[=:][ \t]*)([^#]*)", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\r|\n")


def read(evidence: Evidence, asset: Asset, asker: Asker) -> list[Finding]:
    body = evidence.body
    if is_page(body):
        return [page_instead(Carrier.TRUST_TXT)]
    if NAME.encode() not in body.lower():
        return []
    out: list[Finding] = []
    if len(body) > AI_TXT_BYTES:
        body = body[:body.rfind(b"\n", 0, AI_TXT_BYTES) + 1]
        out.append(Fault(Carrier.TRUST_TXT, FaultKind.TRUNCATED, f"only the first {len(body)} bytes were read"))
    said: dict[Preference, tuple[int, str, str]] = {}
    for number, line in enumerate(_LINE_END.split(body.decode("utf-8-sig", "replace")), 1):
        if not (record := _RECORD.match(line)):
            continue
        value = record[2].strip().lower()
        if value in VALUES:
            note = "" if record[1] == "=" and line[:1] not in " \t" else "spelling"
            said.setdefault(VALUES[value], (number, line.strip(), note))
        elif value.startswith(NOES):
            out.append(Fault(Carrier.TRUST_TXT, FaultKind.MALFORMED, f"a value that may mean no: {line.strip()}"[:DETAIL_CHARS],
                             f"line {number}"))
    term = meaning("trust-txt", NAME)
    if term and said:
        preference = Preference.DISALLOW if Preference.DISALLOW in said else Preference.ALLOW
        number, line, note = said[preference]
        out += [Statement("trust-txt.file", use, preference, form=Form.LENIENT if note else Form.EXACT, where=f"line {number}",
                          quote=line[:QUOTE_CHARS], note=note) for use in term.about(preference)]
    return out
