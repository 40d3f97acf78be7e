"""Sentences that reserve: how many are found, how many are none, and that nothing is lost before they are looked at.

How well unseen sentences fare is what each blind list showed at first contact, before the phrases were widened for it, over all
languages (notices, recall, precision): blind_1 146, 0.79, 0.95; blind_2 74, 0.70, 0.85; blind_3 45, 0.73, 0.94; blind_4 45,
0.71, 0.91. Hard negatives are as many as notices in them, far more than on pages. The gates below hold what is known now.
Where the words of a sentence are new, about one notice in four is still missed.
"""
from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from html.entities import codepoint2name
from itertools import product
from pathlib import Path

import pytest
import yaml

from rules import phrases as reading
from rules.limits import PROSE_CHARS
from rules.model import Access, Asker, Asset, Carrier, Evidence, Fault, FaultKind, Form, Preference, Statement, Use
from rules.phrases import could_speak, languages, notice, sentences
from rules.scan import Scan
from rules.signals import READERS, prose
from rules.vocab import ATOMS, TERMS

DATA = Path(__file__).parent / "data"
SENTENCES, BLIND = (yaml.safe_load((DATA / name).read_text("utf-8")) for name in ("prose.yaml", "prose_blind.yaml"))
for of_language, lists in BLIND.items():
    SENTENCES[of_language].update(lists)
LANGUAGES = tuple(SENTENCES)
FIRST_SEEN_LATER = ("held_out", "blind_1", "blind_2", "blind_3", "blind_4")
SPLITS = ("tune", *FIRST_SEEN_LATER)
NOTICES = [(language, word, text) for language, splits in SENTENCES.items() for split in SPLITS
           for word, text in splits[split]["notices"]]
ASSET, ASKER = Asset("https://example.org/a", "text/html"), Asker("OurBot")


def words(text: str) -> set[str]:
    return {word for _, sentence in sentences(text) for word in notice(sentence)}


def atoms(of: set[str]) -> set[Use]:
    return {atom for word in of for use in TERMS["prose", word].uses for atom in ATOMS[use]}


def page(text: str | bytes, **given: str) -> list:
    body = text.encode() if isinstance(text, str) else text
    return prose.page(Evidence(Carrier.BODY, ASSET.url, None, Access.OBTAINED, body), ASSET, ASKER)


def of(carrier: Carrier, text: str) -> list:
    e = Evidence(carrier, "https://example.org/", None, Access.OBTAINED, text.encode())
    return [f for read in READERS[carrier] for f in read(e, ASSET, ASKER) if getattr(f, "signal", "").startswith("prose")]


def counts(language: str, splits: tuple[str, ...]) -> tuple[int, int, int, int]:
    """Notices, those found, those whose uses are told rightly, others that were taken for notices."""
    told = [(w, words(t)) for s in splits for w, t in SENTENCES[language][s]["notices"]]
    false = [t for s in splits for t in SENTENCES[language][s]["others"] if words(t)]
    found = [(w, got) for w, got in told if got]
    return len(told), len(found), sum(atoms(got) == atoms({w}) for w, got in found), len(false)


def test_the_sentences_are_many_and_hard():
    for language, splits in SENTENCES.items():
        notices, others = (sum(len(splits[s][kind]) for s in SPLITS) for kind in ("notices", "others"))
        held_out = sum(len(splits[s][kind]) for s in FIRST_SEEN_LATER for kind in splits[s])
        assert notices + others >= 40, language
        assert others >= notices, language
        assert held_out * 3 >= notices + others, language
    assert sum(len(x) for splits in SENTENCES.values() for s in splits.values() for x in s.values()) >= 400


@pytest.mark.parametrize("language", LANGUAGES)
def test_precision_and_recall(language, capsys):
    for splits in (SPLITS, *((s,) for s in FIRST_SEEN_LATER)):
        notices, found, right, false = counts(language, splits)
        precision, recall, uses = found / (found + false), found / notices, right / found
        with capsys.disabled():
            print(f"\n{language} {splits[0] if len(splits) == 1 else 'all':8} precision {precision:.3f}  recall {recall:.3f}  uses told rightly {uses:.3f}", end="")
        if splits == SPLITS:
            assert precision >= 0.95
            assert recall >= 0.90
            assert uses >= 0.90


@pytest.mark.parametrize("word", ["ai", "trained", "mining"])
def test_every_phrase_that_makes_a_topic_is_found_by_the_trigger(word):
    for language, phrases in languages().items():
        for phrase in phrases[word]:
            for said in alternatives(phrase):
                assert could_speak(said.encode()), (language, phrase, said)


def alternatives(phrase: str) -> list[str]:
    parts = [part.rpartition(")")[::2] if ")" in part else ("", part) for part in phrase.replace("...", " ").replace("*", "").split("(")]
    return ["".join(chosen) for chosen in product(*([inner + rest for inner in (choices.split("|") if choices else [""])]
                                                    for choices, rest in parts))]


def entities(text: str) -> str:
    return "".join(f"&{codepoint2name[ord(c)]};" if ord(c) > 127 and ord(c) in codepoint2name else c for c in text)


FORMS = {
    "plain": lambda t: f"<!doctype html><body><p>{html.escape(t)}</p>".encode(),
    "with bold words": lambda t: f"<!doctype html><body><div>{'</b> <b>'.join(map(html.escape, t.split(' ')))}</div>".encode(),
    "named references": lambda t: f"<html><body>{entities(html.escape(t))}".encode(),
    "numeric references": lambda t: ("<html><body>" + "".join(f"&#{ord(c)};" for c in t)).encode(),
    "hexadecimal references": lambda t: ("<html><body>" + "".join(f"&#x{ord(c):x};" for c in t)).encode(),
    "soft hyphens": lambda t: ("<html><body>" + "&shy;".join(html.escape(c) for c in t)).encode(),
    "utf-16": lambda t: b"\xff\xfe" + f"<html><body>{html.escape(t)}".encode("utf-16-le"),
    "spread over lines": lambda t: ("<html><body>" + html.escape(t).replace(" ", "\n   ")).encode(),
    "after a script": lambda t: f"<html><script>if (a<b) 'x'</script><!-- > --><body>{html.escape(t)}".encode(),
}
CHARSETS = {"ja": "shift_jis", "ko": "euc-kr", "zh": "gb18030", "de": "windows-1252", "fr": "iso-8859-1"}


@pytest.mark.parametrize("form", FORMS)
def test_a_notice_is_found_in_every_form_of_page(form):
    for language, _, text in NOTICES:
        if words(text):
            assert page(FORMS[form](text)), (language, text)


@pytest.mark.parametrize("language", CHARSETS)
def test_a_notice_is_found_in_other_encodings(language):
    for _, _, text in (n for n in NOTICES if n[0] == language and words(n[2])):
        body = f"<html><meta charset={CHARSETS[language]}><body>{text}".encode(CHARSETS[language], "xmlcharrefreplace")
        assert page(body), text


@pytest.mark.parametrize("around", ["<!-- {} -->", "<script>{}</script>", "<style>{}</style>", "<img alt='{}'>", "<template>{}</template>"])
def test_what_a_page_does_not_show_is_no_notice(around):
    assert page("<html><body>" + around.format("No AI training.") + "<p>Hello</p>") == []


def test_nothing_but_prose_that_refuses_is_said():
    for _, _, text in NOTICES:
        for f in page(FORMS["plain"](text)):
            assert isinstance(f, Statement)
            assert (f.form, f.preference) == (Form.PROSE, Preference.DISALLOW)
            assert f.quote
            assert f.where.startswith("sentence ")


CLOUDFLARE = """# As a condition of accessing this website, you agree to abide by the following content signals:
# (a)  If a content-signal = yes, you may collect content for the corresponding use.
# (b)  If a content-signal = no, you may not collect content for the corresponding use.
# ai-input: inputting content into one or more AI models.
# ai-train: training or fine-tuning AI models.
# ANY RESTRICTIONS EXPRESSED VIA CONTENT SIGNALS ARE EXPRESS RESERVATIONS OF RIGHTS UNDER ARTICLE 4 OF THE
# EUROPEAN UNION DIRECTIVE 2019/790.
"""


@pytest.mark.parametrize("rules, uses", [
    ("User-agent: *\nAllow: /", set()),
    ("User-agent: *\nContent-Signal: ai-train=yes", set()),
    ("User-agent: *\nContent-Signal: search=yes,ai-train=no", {Use.TRAIN_AI}),
    ("User-agent: A\nUser-agent: *\nAllow: /\nContent-signal: ai-train=no, ai-input=no", {Use.TRAIN_AI, Use.AI_USE}),
    ("User-agent: GPTBot\nContent-Signal: ai-train=no\n\nUser-agent: *\nAllow: /", set()),
    ("User-agent: *\nSitemap: https://site.example/a.xml\nContent-Signal: ai-train=no", {Use.TRAIN_AI}),
    ("", set()),
])
def test_the_comment_about_article_4_says_something_only_with_a_no(rules, uses):
    assert {f.use for f in of(Carrier.ROBOTS_TXT, CLOUDFLARE + rules)} == uses


HOSTILE = {
    "tags never closed": "<p" * 250_000 + "ai",
    "comments never closed": "<!--" * 170_000 + "ai",
    "scripts never closed": "<script>" * 100_000 + "ai",
    "attributes": "<meta name=copyright content=" + "a =" * 220_000 + "> ai",
    "one sentence of triggers": "ai training no " * 50_000,
    "many sentences of triggers": "AI training no text and data mining prohibited. " * 15_000,
    "gaps that do not close": "not a b c d e f g no " * 37_000 + "ai",
    "words that start phrases": "use a a a a a a (" * 37_000 + "ai",
    "masks": "created by ai with " * 37_000,
    "references": "&#65;&#73; " * 75_000,
    "no spaces": "學習禁止" * 75_000,
    "json": '"copyrightNotice": "' * 37_000 + "ai",
    "escapes": '"copyrightNotice": "' + "\\" * 750_000 + "ai",
    "combining": "a" + "\u0301" * 370_000 + " ai",
    "marks to be sorted": "mining " + "\u0315\u0316" * 100_000,
    "endings": "mining intelligen " + "nstliche" * 50_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_cost_no_more_than_their_size_is_worth(name):
    start = time.process_time()
    page("<html><body>" + HOSTILE[name])
    assert time.process_time() - start < 20     # a bound on running away


def test_what_is_too_much_to_read_is_a_fault():
    many = "<p>We teach AI training to dogs. " * (PROSE_CHARS // 20)
    assert page("<html><body>" + many) == [
        Fault(Carrier.BODY, FaultKind.TRUNCATED, f"only the first {PROSE_CHARS} characters of sentences that could be notices were read", "prose")]


ENDS = ("", ".", '."', ".)", ".” ", "?", '?")', "? ]", "!»", "。", ".）", "&rdquo;", ".&rdquo;", ".&nbsp;)", ".\u200b)")


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("notice", ["No part of this may be used for training AI models", "We forbid text and data mining", "AI training: no"])
def test_what_closes_a_line_is_read_alike_by_lines_and_as_a_whole(notice, end):
    for then in ("<p>Next", "<p>next", "<p>(Next", "", "<p>" + notice):
        for before in ("", "<p>All about dogs.", "<p>" + notice + end):
            body = f"<html><body>{before}<p>{notice}{end}{then}".encode()
            e = Evidence(Carrier.BODY, ASSET.url, None, Access.OBTAINED, body)
            assert prose.page(e, ASSET, ASKER) == prose.page_exact(e, ASSET, ASKER), body


def test_letters_that_stand_for_many_count_as_many():
    body = ("<html><body>" + "<p>\ufdfa AI" * 1_000).encode()        # U+FDFA: 18 letters, by NFKC
    e = Evidence(Carrier.BODY, ASSET.url, None, Access.OBTAINED, body)
    assert [f.kind for f in prose.page(e, ASSET, ASKER)] == [FaultKind.TRUNCATED]
    assert prose.page(e, ASSET, ASKER) == prose.page_exact(e, ASSET, ASKER)


def instances(phrase: str, ai: str) -> Iterator[str]:
    """Texts in which a phrase stands: each of its words once, with next to nothing between."""
    parts = [[" "] if gap else ["", *(f"{word} " for word in optional.split("|") if word)] if optional else choice.split("|") if choice else
             [ai] if hole else [" "] if space else ["", "xy"] if rest else [word]
             for gap, optional, choice, hole, space, rest, word in reading._ITEM.findall(phrase)]
    for n in range(max(map(len, parts))):
        text = "".join(part[n % len(part)] for part in parts)
        yield from instances(text, ai) if re.search(r"[*<(]|\.\.\.", text) else (text,)


@pytest.mark.parametrize("name", ["trained", "mining", "learning", "fed", "ban", "modal", "no", "never"])
def test_a_phrase_never_stands_where_what_it_needs_does_not(name: str) -> None:
    tried = 0
    for phrase, language in reading._phrases(name):
        assert list(reading._needed(phrase, language)), phrase
        needs = reading._Needs([(phrase, language)])
        for text in (text for ai in languages()[language]["ai"] for text in instances(phrase, ai.replace("*", ""))):
            tried += bool(reading._patterns()[name].search(text))
            for edge in ("", " ", "(", "é", "1", "."):
                assert needs.met(f"{edge}{text}{edge}".encode()), (phrase, text)
    assert tried > 20


@pytest.mark.parametrize("name", ["ai", "trained", "mining"])
def test_a_phrase_never_stands_where_no_trigger_does(name: str) -> None:
    portable = Scan(reading.WORDS, portable=True)
    found = reading._patterns()[name]
    for phrase, language in reading._phrases(name):
        for text in (text for ai in languages()[language]["ai"][:2] for text in instances(phrase, ai)):
            for edge in ("", " ", "(", "é", "1", "<b>", "&nbsp;", "&nbsp", "&copy", "人"):
                source = f"{edge}{text}"
                if not found.search(html.unescape(source).replace("<b>", "")):
                    continue
                assert reading.SCAN.held(source.encode()), source
                assert portable.held(source.encode()), source
                assert list(sentences(html.unescape(source).replace("<b>", ""))), source
