"""Message catalogues: what a report says, in every language that we have. Code holds ids and parameters, never sentences.

    say = Catalogue("ko")
    say.text("page.made", at="2026-11-26", version="0.1.0")      # for terminals, SARIF, JSON
    say.html("audit.OO101.what", file=path)                      # Markup for page.py; parameters are escaped
    say.markdown("audit.OO101.what", file=path)

To add messages: `messages/<topic>.yaml`, id -> language -> text; an id is called `<topic>.<id>`. Every id has every
language, with the same parameters; the loader refuses the file otherwise, with file:line. In a text

- `{name}` is a parameter. Whole numbers are written as the language writes them.
- `backticks` enclose code: <code> in HTML, kept in Markdown, quotation marks in plain text.
- a text may be two, [for one, for any other number]: which of them, parameter `n` decides.

**Facts**
- Of the cardinal plurals of our languages, two forms are enough: English and German have `one` for 1, French for 0 and 1,
  Korean and Japanese have none (CLDR 48, https://www.unicode.org/cldr/charts/48/supplemental/language_plural_rules.html;
  French `many` is for millions, and not written here).
"""
from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from markupsafe import Markup, escape

from rules.strict_yaml import Node, load

LANGUAGES = ("en", "de", "fr", "ko", "ja")
NAMES = {"en": "English", "de": "Deutsch", "fr": "Français", "ko": "한국어", "ja": "日本語"}
_ONE = {"en": (1,), "de": (1,), "fr": (0, 1)}                     # for which whole numbers a language has another word
_GROUPS = {"en": ",", "de": ".", "fr": "\u202f", "ko": ",", "ja": ","}
_PARAMETER = re.compile(r"\{([a-z_]+)\}")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&])")


@dataclass(frozen=True, slots=True)
class Message:
    """One text in one language; `one` is "" where no number changes it."""
    other: str
    one: str = ""

    @property
    def parameters(self) -> frozenset[str]:
        return frozenset(_PARAMETER.findall(self.other))


class Catalogue:
    """All messages in one language. KeyError: there is no such language, message or parameter."""

    def __init__(self, language: str):
        if language not in LANGUAGES:
            raise KeyError(f"no language '{language}'; there are {', '.join(LANGUAGES)}")
        self.language = language

    def __contains__(self, name: str) -> bool:
        topic, _, key = name.partition(".")
        return topic in topics() and key in messages(topic)

    def text(self, name: str, /, **parameters: object) -> str:
        """Plain text. It may hold words of strangers: make it harmless for the place where it is shown."""
        return self._filled(name, parameters, str, lambda code: f"'{code}'")

    def html(self, name: str, /, **parameters: object) -> Markup:
        """Markup; parameters are escaped unless they are Markup."""
        return Markup(self._filled(name, parameters, shown, lambda code: f"<code>{code}</code>", escape))  # noqa: S704, escaped

    def markdown(self, name: str, /, **parameters: object) -> str:
        """Markdown on one line; what a parameter holds is text."""
        return self._filled(name, parameters, markdown, lambda code: f"`{code}`")

    def number(self, value: int) -> str:
        return f"{value:,}".replace(",", _GROUPS[self.language])

    def _filled(self, name: str, parameters: dict[str, object], show: Callable[[object], str], code: Callable[[str], str],
                own: Callable[[str], str] = str) -> str:
        topic, _, key = name.partition(".")
        message = messages(topic)[key][self.language]
        one = message.one and parameters.get("n") in _ONE.get(self.language, ())

        def value(match: re.Match[str]) -> str:
            given = parameters[match[1]]
            return show(self.number(given) if type(given) is int else given)

        pieces = (message.one if one else message.other).split("`")       # before parameters, which may hold backticks too
        filled = [_PARAMETER.sub(value, own(piece)) for piece in pieces]
        return "".join(code(piece) if n % 2 else piece for n, piece in enumerate(filled))


def shown(value: object, most: int | None = None) -> Markup:
    """Words of strangers for a page: nothing in them that steers or hides; cut where nobody reads on (0: nowhere)."""
    from ..terminal import harmless
    if isinstance(value, Markup):
        return value
    text, most = str(value), SHOWN if most is None else most
    more = len(text) - most if most else 0
    lines = "\n".join(harmless(line) for line in (text[:most] if more > 0 else text).split("\n"))
    return escape(f"{lines}… (+{more})" if more > 0 else lines)


SHOWN = 2_000                        # characters of one value; the data under the page has all of it


def markdown(value: object) -> str:
    """Words of strangers for Markdown: one line, no markup, no HTML."""
    from ..terminal import harmless
    text = str(value)
    return _MARKDOWN.sub(r"\\\1", harmless(text[:SHOWN])) + ("…" if len(text) > SHOWN else "")


@cache
def topics() -> tuple[str, ...]:
    """Every file of messages."""
    return tuple(sorted(f.name.removesuffix(".yaml") for f in files(__package__).joinpath("messages").iterdir()
                        if f.name.endswith(".yaml")))


@cache
def messages(topic: str) -> dict[str, dict[str, Message]]:
    """id -> language -> message. DataError: the file is broken. KeyError: there is no such topic."""
    if topic not in topics():
        raise KeyError(f"no messages '{topic}'; there are {', '.join(topics())}")
    name = f"{topic}.yaml"
    return parsed(load(files(__package__).joinpath("messages", name).read_text("utf-8"), name))


def parsed(root: Node) -> dict[str, dict[str, Message]]:
    """One file of messages, checked: every id in every language, with the same parameters."""
    out: dict[str, dict[str, Message]] = {}
    for key, node in root.pairs().items():
        out[key] = {language: _message(text) for language, text in node.fields(LANGUAGES).items()}
        first = out[key][LANGUAGES[0]].parameters
        for language, message in out[key].items():
            if message.parameters != first:
                node.fields(LANGUAGES)[language].error(
                    f"'{key}' has the parameters {sorted(message.parameters)} here and {sorted(first)} in {LANGUAGES[0]}")
    return out


def _message(node: Node) -> Message:
    texts = [text.strip() for text in node.texts()]
    if len(texts) not in (1, 2):
        node.error("a text, or two of them: [for one, for any other number]")
    for text in texts:
        if text.count("`") % 2:
            node.error("a backtick has no other")
        if set("{}") & set(_PARAMETER.sub("", text)):
            node.error("a brace encloses no parameter")
    message = Message(texts[-1], texts[0] if len(texts) == 2 else "")
    if not set(_PARAMETER.findall(message.one)) <= message.parameters | {"n"}:
        node.error("the form for one has a parameter that the other has not")
    return message
