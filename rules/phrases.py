"""Sentences that reserve: which of a text do, and which only sound so.

Facts (OURS; prose.yaml holds the phrases by language, tests/data/prose.yaml the sentences by which they are measured)
- A notice is one sentence in which words for training, mining or AI stand near words that forbid, reserve or refuse, and near
  which nothing shows that somebody else speaks, or that it is about the site's own practice, a law, or a lesson.
- A text is compared in lower case and without accents. Invisible characters are left out (Unicode, NFKC and default ignorable).
- Every repetition in a pattern is bounded, and no pattern is made of fetched text: time grows with the text alone.
"""
from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from html.entities import html5
from itertools import islice

from .data import read
from .limits import PROSE_SENTENCE_CHARS
from .scan import Scan, Spread, Word
from .strict_yaml import load

CLASSES = ("ai", "learning", "trained", "mining", "fed", "ban", "no", "never", "masked", "other")
OPTIONAL_CLASSES = ("modal", "object")
SPACELESS = frozenset({"ja", "ko", "zh"})        # phrases are found inside words, too

AI_CHARS = 100                   # OURS: at most so far from AI is `training` the training of machines
LINKED_CHARS = 300               # OURS: at most so far from its topic does a word forbid it, or show that it does not
SENTENCES_KEPT = 4_096           # whose answer is remembered: many pages of a site say the same
SPANS = 50                       # OURS: words of one kind looked at in a sentence

# INVARIANT (tested): every phrase of `ai`, `trained` and `mining` holds one of these, outside its accents. A space in front:
# at the start of a word; a star: whatever letters follow.
TRIGGERS = (
    " artificial intelligen", "nstliche* intelligen", " kunstmatige intelligen", " intelligen* artificiel",
    " intelligen* artificial", " inteligen* artificial", " mining", " datamining", " tdm", " scrap", " webscrap",
    " genai", " llm", " training data", " trainings", " machine learning", " machinaal", " maschinell", "apprentissage",
    " aprendiz", " apprendimento", " addestramento", " entren", "entrai", "entraî", "entraÎ", "entra&icirc", " harvest",
    " moissonn", " fouille", " miner", " estrazione", " extracci", " extraer", " extraction automatis", " ausles",
    " datenanalyse", " urhg", " automatisiert", " crawlern", " language model", " generative", " foundation model",
    " ml model", " modelli", " modelos", " langage ", " langue ", "ratifs", "sprachm", " taalmodel", " neural",
    " chatbot", " a.i.", " i.a.", "人工", "学習", "學習", "学习", "訓練", "训练", "言語モデル", "语言模型", "語言模型",
    "大模型", "生成式", "マイニング", "スクレイピング", "挖掘", "探勘", "爬", "抓取", "擷取", "인공", "언어", "기계",
    "머신", "학습", "마이닝", "크롤링", "스크래핑", "스크레이핑", " 2019/790", " dsm", " single market", "122 5 3",
    " auteurswet", " 44b", " automated means", " automated devices", " automated tools", " automated scripts",
    " automated processes")
Span = tuple[int, int]

# What stands before a short word is looked at behind it: so the search is for letters.
_SHORT = re.compile(r"ais?(?<![a-z]ai)(?<![a-z]ais)(?![a-z])|(?:ia|ki)(?<!\w\w\w)(?!\w)")
_LETTERS = "[a-z]{0,20}"
# Between words that stand side by side in the source of a page.
_GAP = rb"(?:[^a-z<&]|<[^<>]*>|&(?:#x?[0-9a-f]+;?|[a-z0-9]{1,32};|nbsp))"
GAPS = 40                        # OURS: more are not told apart where there is no Hyperscan
_SHORT_CHARS = 3                 # a shorter word is looked for as a word of its own
_START = rb"(?:^|[^a-z])"
# What a reference without its semicolon is glued to starts a word, too (HTML Living Standard, 13.2.5.73).
_GLUED = f"&(?:{'|'.join(sorted({n.lower() for n, c in html5.items() if n[-1] != ';' and not c.isalpha()}))})[a-z]".encode()


def _side_by_side(first: bytes, *others: bytes, most: int = 0) -> bytes:
    """Words as they stand in the source of a page, or the first of them before a comment, beyond which they may go on; with
    `most`, or before more than so many gaps."""
    if not others:
        return first.replace(rb"\*", _LETTERS.encode())
    rest = _side_by_side(*others, most=most)
    gaps, none = (b"{1,%d}" % most, b"{0,%d}" % most) if most else (b"+", b"*")
    rest = b"(?:" + rest + b"|" + _GAP + b")" if most else rest
    return _side_by_side(first) + b"(?:" + _GAP + gaps + rest + b"|" + _GAP + none + b"<!--)"


def _word(trigger: str) -> Word:
    words = trigger.encode().split()
    if len(words) == 1 and not trigger.startswith(" "):
        return words[0]
    start, parts = _START if trigger.startswith(" ") else b"", [re.escape(word) for word in words]
    whole = start + _side_by_side(*parts)
    return Spread(whole, re.compile(start + _side_by_side(*parts, most=GAPS))) if len(words) > 1 else re.compile(whole)


_SHORT_WORDS = (re.compile(_START + rb"ais?(?:[^a-z]|$)"), re.compile(rb"(?:^|[^a-z0-9_])(?:ia|ki)(?:[^a-z0-9_]|$)"))
WORDS: tuple[Word, ...] = (*map(_word, TRIGGERS), *_SHORT_WORDS, re.compile(_GLUED))
SCAN = Scan(WORDS)
# A word without which they are not in a text -> those that are looked for where it stands.
_IN_TEXT: dict[Word, list[re.Pattern[str]]] = {word: [_SHORT] for word in _SHORT_WORDS}
for _trigger in TRIGGERS:
    _edge = "(?<![a-z])" if _trigger[0] == " " else ""
    _parts = (re.escape(part).replace(r"\*", _LETTERS) for part in _trigger.split())
    _longest_part = max(_trigger.replace("*", "").encode().split(), key=len)
    _IN_TEXT.setdefault(_longest_part, []).append(re.compile(_edge + "[ /-]{1,2}".join(_parts)))
_PRESENT, _LOOKED_FOR = Scan(_IN_TEXT), tuple(_IN_TEXT.values())


# ---- phrases

_ITEM = re.compile(r" ?(\.\.\.) ?|\(([^()]*)\|\) ?|\(([^()]*)\)|(<ai>)|( )|(\*)|((?:(?!\.\.\.)[^ ()*<])+)")
_SPACE, _REST = r"[\s/-]{1,2}", r"\w{0,20}"
_WORDS_BETWEEN, _CHARS_BETWEEN = r"\W{1,3}(?:\w{1,30}\W{1,3}){0,6}?", r".{0,25}?"


def pattern(phrase: str, spaceless: bool, ai: str = "") -> str:
    """A phrase of prose.yaml as a regular expression."""
    out = []
    for gap, optional, choice, hole, space, rest, word in _ITEM.findall(phrase):
        if gap:
            out.append(_CHARS_BETWEEN if spaceless else _WORDS_BETWEEN)
        elif optional:
            out.append(f"(?:(?:{_any(optional, spaceless, ai)}){'' if spaceless else _SPACE})?")
        elif choice:
            out.append(f"(?:{_any(choice, spaceless, ai)})")
        else:
            out.append(f"(?:{ai})" if hole else _SPACE if space else _REST if rest else re.escape(word))
    return "".join(out)


def _any(words: str, spaceless: bool, ai: str) -> str:
    return "|".join(pattern(word, spaceless, ai) for word in words.split("|"))


def _edged(phrase: str, spaceless: bool, ai: str = "") -> str:
    """Where words stand without spaces, a Latin one still is no part of another."""
    found = pattern(phrase, spaceless, ai)
    return rf"(?<![a-z]){found}(?![a-z])" if spaceless and phrase.isascii() and "<" not in phrase else found


@cache
def languages() -> dict[str, dict[str, list[str]]]:
    """Phrases by language and class."""
    return {language: {name: phrases.texts() for name, phrases in node.fields(CLASSES, OPTIONAL_CLASSES).items()}
            for language, node in load(read("prose.yaml"), "prose.yaml").pairs().items()}


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {name: _compiled(name) for name in (*CLASSES, *OPTIONAL_CLASSES)}


def _compiled(name: str) -> re.Pattern[str]:
    found: dict[bool, dict[str, int]] = {False: {}, True: {}}
    for language, phrases in languages().items():
        spaceless = language in SPACELESS
        ai = "|".join(_edged(p, spaceless) for p in phrases["ai"])
        for phrase in phrases.get(name, ()):
            found[spaceless][_edged(phrase, spaceless, ai)] = len(phrase)
    spaced, unspaced = (sorted(p, key=lambda text: -p[text]) for p in found.values())      # the longest first
    return re.compile("|".join((rf"(?<!\w)(?:{'|'.join(spaced)})(?!\w)", *unspaced)))


# ---- what a notice cannot do without

class _Needs:
    """The letters without which none of some phrases stands in a text: for each phrase sets, of each of which it holds one."""

    def __init__(self, phrases: Iterable[tuple[str, str]]) -> None:
        needs = {frozenset(_needed(*phrase)) for phrase in phrases}
        words = sorted({word for need in needs for some in need for word in some})
        number = {word: n for n, word in enumerate(words)}
        self._scan = Scan([re.compile(_whole(word)) if _is_short(word) else word.encode() for word in words])
        self._needs: dict[int, list[list[frozenset[int]]]] = {}      # by each word of the set that is the rarest
        for need in needs:
            rarest, *others = sorted(need, key=lambda some: -min(map(len, some)))
            for word in rarest:
                self._needs.setdefault(number[word], []).append([frozenset(number[word] for word in some) for some in others])

    def met(self, plain: bytes) -> bool:
        """Whether text in lower case without accents could hold one of the phrases."""
        held = self._scan.held(plain)
        return any(all(not some.isdisjoint(held) for some in others) for word in held for others in self._needs.get(word, ()))


def _is_short(word: str) -> bool:
    return len(word.encode()) < _SHORT_CHARS


def _whole(word: str) -> bytes:
    return rb"(?:^|[^a-z])" + re.escape(word.encode()) + rb"(?:[^a-z]|$)"


def _needed(phrase: str, language: str) -> Iterator[frozenset[str]]:
    """For each part of a phrase that must stand in a text, the letters of which one must."""
    edges = language not in SPACELESS or phrase.isascii()
    items = [m.groups() for m in _ITEM.finditer(phrase)]
    for before, (_, _, choice, hole, _, _, word), after in zip([None, *items], items, [*items[1:], None], strict=False):
        edged = edges and all(i is None or i[0] or i[1] or i[4] for i in (before, after))
        if hole:
            yield _of_ai(language)
            continue
        words = [_longest(each) for each in choice.split("|")] if choice else [(word, False)] if word else []
        if words and all(w and not (_is_short(w) and (goes_on or not edged)) for w, goes_on in words):
            yield frozenset(w for w, _ in words)


@cache
def _of_ai(language: str) -> frozenset[str]:
    """Letters one of which stands where any of the phrases of `ai` does."""
    rarest = (max(_needed(p, language), key=lambda some: min(map(len, some))) for p in languages()[language]["ai"])
    return frozenset(word for some in rarest for word in some)


def _longest(phrase: str) -> tuple[str, bool]:
    """The longest word of a phrase, and whether more letters may follow it."""
    items = [m.groups() for m in _ITEM.finditer(phrase)]
    words = [(item[6], bool(after and after[5])) for item, after in zip(items, [*items[1:], None], strict=True) if item[6]]
    return max(words, key=lambda w: len(w[0]), default=("", False))


@cache
def _needs() -> tuple[_Needs, _Needs]:
    """Of what is reserved, and of refusals."""
    learning = ((f"{phrase} ... <ai>", language) for phrase, language in _phrases("learning"))
    return _Needs((*_phrases("trained", "mining", "fed"), *learning)), _Needs(_phrases("ban", "modal", "no", "never"))


def _phrases(*classes: str) -> Iterator[tuple[str, str]]:
    return ((p, language) for language, named in languages().items() for c in classes for p in named.get(c, ()))


def _could_reserve(plain: str) -> bool:
    """Whether text in lower case without accents holds what a notice needs. Never False for a notice."""
    return all(needs.met(plain.encode("utf-8", "replace")) for needs in _needs())


# ---- text

_UNACCENTED = {c: unicodedata.normalize("NFD", chr(c))[0] for c in range(0xc0, 0x250)} | {ord("’"): "'", 0x130: "i"}
_ACCENTED = re.compile("[\u00c0-\u024f’]")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]")
_MANY_MARKS = re.compile(r"([^\w\s\0-\x7f]{30})[^\w\s\0-\x7f]+")      # to sort n of them takes n * n (UAX 15, stream-safe)
_CLOSERS = r"[\"')\]»”]"
_QUESTION = re.compile(rf"[?？]{_CLOSERS}*$")
_SENTENCE_END = re.compile(rf"[.!?](?:{_CLOSERS}{{0,3}} (?=[\"'(«„“¿¡©]{{0,2}}[^\W\d_a-zß-öø-ÿ]))|[。！？]|\n\s*")
_BLANK, _BLANKS = re.compile(r"[^\S\n ]"), re.compile("  +")


def clean(text: str) -> str:
    """The text without invisible characters and variants of the same letters, and with single spaces."""
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", _MANY_MARKS.sub(r"\1", text)))
    return _BLANKS.sub(" ", _BLANK.sub(" ", text))


def could_speak(text: bytes) -> bool:
    """Whether text, clean and in UTF-8, holds a word without which no sentence in it is a notice."""
    return bool(SCAN.held(text))


def sentences(text: str) -> Iterator[tuple[int, str]]:
    """Sentences of a text that could be notices, with their numbers. A new line ends one; long ones are cut, overlapping."""
    text = clean(text)
    low = text.replace("\u0130", "\u0307").lower()   # the one letter that gets longer; what is left of it is none
    present = {trigger for n in _PRESENT.held(low.encode("utf-8", "replace")) for trigger in _LOOKED_FOR[n]}
    found = sorted(m.start() for trigger in present for m in trigger.finditer(low))
    at = begin = number = 0
    ends = _ends(text)
    while at < len(found):
        number += 1
        stop, following = next(ends)
        if found[at] < stop:
            while at < len(found) and found[at] < following:
                at += 1
            sentence = text[begin:stop].strip()
            for start in range(0, max(len(sentence) - LINKED_CHARS, 1), PROSE_SENTENCE_CHARS - LINKED_CHARS):
                yield number, sentence[start:start + PROSE_SENTENCE_CHARS].strip()
        begin = following


def _ends(text: str) -> Iterator[tuple[int, int]]:
    """Where each sentence ends, and the next one begins."""
    for end in _SENTENCE_END.finditer(text):
        yield end.start() + (text[end.start()] != "\n"), end.end()
    yield len(text), len(text)


def _unaccented(text: str) -> str:
    return _ACCENTED.sub(lambda m: _UNACCENTED[ord(m[0])], text)


@lru_cache(maxsize=SENTENCES_KEPT)
def notice(sentence: str) -> tuple[str, ...]:
    """What a sentence reserves, in words of the protocol `prose`; nothing, if it does not."""
    plain = _unaccented(sentence).lower()
    if _QUESTION.search(plain) or not _could_reserve(plain):
        return ()
    found = _patterns()
    plain = found["masked"].sub(lambda m: "." * len(m[0]), plain) + "."          # a phrase may ask for the end of a sentence
    training = _spans(found["trained"], plain)
    if learning := _spans(found["learning"], plain):
        training += _near(learning, _spans(found["ai"], plain))
    topics = {"mining": _spans(found["mining"], plain), "training": training}
    if not training:
        topics["ai"] = _spans(found["fed"], plain)
    if not any(topics.values()):
        return ()
    bans, others = _spans(found["ban"], plain), _spans(found["other"], plain)
    if found["object"].search(plain):
        bans += _spans(found["modal"], plain)
    before, behind = _spans(found["no"], plain), _spans(found["never"], plain)
    return tuple(word for word, spans in topics.items() if any(
        not _linked(span, others) and (_linked(span, bans) or any(_adjoin(plain, b, span) for b in before)
                                       or any(_adjoin(plain, span, b) for b in behind)) for span in spans))


def _spans(phrases: re.Pattern[str], plain: str) -> list[Span]:
    return [m.span() for m in islice(phrases.finditer(plain), SPANS)]


def _near(learning: list[Span], ai: list[Span]) -> list[Span]:
    """Training together with the AI that stands nearest."""
    pairs = ((t, min((a for a in ai if a != t), key=lambda a: _distance(a, t), default=None)) for t in learning)
    return [(min(a[0], t[0]), max(a[1], t[1])) for t, a in pairs if a and _distance(a, t) <= AI_CHARS]


def _distance(one: Span, other: Span) -> int:
    return max(one[0], other[0]) - min(one[1], other[1])


def _linked(span: Span, others: list[Span]) -> bool:
    return any(_distance(span, o) <= LINKED_CHARS for o in others)


def _adjoin(plain: str, first: Span, second: Span) -> bool:
    """Whether nothing but a few characters stands between two spans, in this order."""
    return first[0] < second[0] and second[0] - first[1] <= 4 and not re.search(r"\w{3}", plain[first[1]:second[0]])
