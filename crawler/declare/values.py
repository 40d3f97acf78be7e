"""What can be written about mining a file: the nine values of PLUS in plain words, and what may stand beside them.

**Facts** (IPTC Photo Metadata Standard 2025.1, Data Mining: https://www.iptc.org/std/photometadata/specification/;
PLUS License Data Format, vocabulary: http://ns.useplus.org/ldf/vocab/)
- Data Mining is one URI out of a list of nine. Three of them refer to another property: Other Constraints, an embedded rights
  expression, or a link to one.
- "Prohibited for AI/ML training" says nothing of other mining; "for Generative AI/ML training" nothing of other training.
- Web Statement of Rights is the address of a page about rights; Licensor URL that of somebody who can give leave.
- TDMRep, 6.4: a PDF says `tdm:reservation` and `tdm:policy` in its XMP. Validators of PDF/A know neither.
"""
from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

VOCABULARY = "http://ns.useplus.org/ldf/vocab/"


@dataclass(frozen=True, slots=True)
class Value:
    """One of the nine."""
    word: str                        # on the command line
    key: str                         # in the vocabulary
    meaning: str
    needs: str = ""                  # what must follow the word after a colon


VALUES: dict[str, Value] = {v.word: v for v in (
    Value("no-ai-training", "DMI-PROHIBITED-AIMLTRAINING", "no training of AI of any kind"),
    Value("no-genai-training", "DMI-PROHIBITED-GENAIMLTRAINING", "no training of generative AI; other training is left open"),
    Value("no-mining", "DMI-PROHIBITED", "no data mining at all, by the letter not even for a search index"),
    Value("except-search", "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING", "no data mining but for a search index"),
    Value("see-constraints", "DMI-PROHIBITED-SEECONSTRAINT", "no data mining but as the text says", "TEXT"),
    Value("see-embedded-rights", "DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR",
          "no data mining but as the rights expression says", "TEXT"),
    Value("see-linked-rights", "DMI-PROHIBITED-SEELINKEDRIGHTSEXPR",
          "no data mining but as the linked rights expression says", "URL"),
    Value("allowed", "DMI-ALLOWED", "data mining is allowed"),
    Value("unspecified", "DMI-UNSPECIFIED", "nothing is said; neither a prohibition nor leave"),
)}
WORDS = {VOCABULARY + v.key: v.word for v in VALUES.values()}


@dataclass(frozen=True, slots=True)
class Tag:
    """All that is to be written into a file."""
    value: Value
    detail: str = ""                 # what `value.needs`
    web_statement: str = ""
    licensor_url: str = ""
    tdm_policy: str = ""             # into PDF alone, with the reservation

    @property
    def uri(self) -> str:
        return VOCABULARY + self.value.key


def parse(text: str) -> tuple[Value, str]:
    """`no-mining`, `see-constraints:some text`. Raises ValueError with what is wrong."""
    word, colon, detail = text.partition(":")
    value = VALUES.get(word.strip().lower())
    if value is None:
        raise ValueError(f"'{word}' is no value; known are {', '.join(spelled(v) for v in VALUES.values())}")
    if value.needs and not detail.strip():
        raise ValueError(f"'{word}' refers to something; write {spelled(value)}")
    if colon and not value.needs:
        raise ValueError(f"'{word}' takes nothing after a colon")
    if value.needs == "URL" and not is_address(detail.strip()):
        raise ValueError(f"'{detail.strip()}' is no http or https address")
    return value, checked(detail.strip())


def is_address(text: str) -> bool:
    """Whether somebody can follow it: http or https, a host, no blanks."""
    try:
        parts = urlsplit(checked(text))
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not any(c.isspace() for c in text)
    except ValueError:
        return False


def spelled(value: Value) -> str:
    return value.word + (f":{value.needs}" if value.needs else "")


def checked(text: str) -> str:
    """The text, if XML has room for it. Raises ValueError."""
    if not all(c in "\t\n\r" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff") for c in text):
        raise ValueError("XML has no room for control characters; write it without them")
    return text
