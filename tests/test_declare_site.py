"""What is declared for a site is what its files come to: every target and stance, read back by our own readers."""
from __future__ import annotations

import json
import re
from functools import cache
from itertools import product
from pathlib import Path
from urllib.robotparser import RobotFileParser

import pytest
from jwm.robotstxt.googlebot import RobotsMatcher
from liquid import Environment
from protego import Protego

from crawler.declare import tag
from crawler.declare.site import intent as wishes
from crawler.declare.site import steps, words
from crawler.declare.site.intent import STANCES, Away, Intent
from crawler.declare.site.kit import CONFIGURATIONS, PIXEL, Contradiction, Kit, Wishes, make
from crawler.declare.site.meaning import FILE, PAGE, PICTURE, differences, names, samples
from crawler.declare.site.served import compare
from crawler.declare.site.targets import targets
from crawler.declare.splice import spliced
from crawler.declare.values import parse
from crawler.effect import Answer, effect
from crawler.items import CollectedPage
from rules import Access, Asset, Carrier, Evidence, Use
from rules.agents import FOR_TRAINING, Purpose, agents
from rules.signals.robots_groups import RobotsTxt

ORIGIN = "https://art.example"
PARTIAL = ("ghost", "shopify", "wix", "webflow", "squarespace", "artstation", "deviantart", "tumblr")
FOLDERS = ("/press/=train", "/press/kit/=all", "/open data/=ai-use,search")


def intent(stance: str, *leaves: str, **others: str) -> Intent:
    given = {"owner": "Ana Künstler", "contact": "ana@art.example", "terms": f"{ORIGIN}/ai-policy", **others}
    return Intent(ORIGIN, STANCES[stance].said, STANCES[stance].away, wishes.in_order(map(wishes.leave, leaves)), **given)


@cache
def kit(target: str, stance: str, *leaves: str, **others: str) -> Kit:
    return make(intent(stance, *leaves, **others), targets()[target])


def answers(made: Kit, path: str, kind: str, token: str) -> dict[Use, Answer]:
    row, = effect(Asset(ORIGIN + path), made.evidence(path, kind), [token])
    return {use: cell.answer for use, cell in row.cells.items()}


def test_there_are_enough_targets_and_stances():
    assert len(targets()) >= 15
    assert len(STANCES) >= 6
    assert {id for id, t in targets().items() if not t.is_whole} == set(PARTIAL)


EACH = [(target, [*STANCES][n % len(STANCES)]) for n, target in enumerate(targets())]      # every target and stance once at least


@pytest.mark.parametrize("target, stance", [pytest.param(*pair, marks=() if pair in EACH else pytest.mark.slow)
                                            for pair in product(targets(), STANCES)])
def test_every_stance_comes_to_what_is_meant(target, stance):
    made = kit(target, stance)               # Contradiction otherwise
    assert made.gaps == () or target in PARTIAL
    assert all(d.is_gap for d in made.gaps)


ANSWERS = (None, True, False)


def any_intents(every: int) -> list[Intent]:
    """Wishes of every kind that can be had, each with and without exceptions; one in so many."""
    out = []
    for search, train, ai_use, tdm in product(ANSWERS, repeat=4):
        if tdm is not None and (None in (train, ai_use) or (tdm is False and (train or ai_use))):
            continue                         # TDMRep speaks of all mining
        said = {use: answer for use, answer in zip(wishes.USES.values(), (search, train, ai_use, tdm), strict=True) if answer is not None}
        out += [Intent(ORIGIN, said, away, wishes.in_order(map(wishes.leave, leaves)), contact="ana@art.example")
                for away in Away for leaves in ((), ("/a/=train",), ("/a/=search", "/a/b/=tdm"), ("/a/=ai-use", "/b/=fetch"), ("/a/b/=all",))]
    return out[::every]


@pytest.mark.parametrize("every", [67, pytest.param(1, marks=pytest.mark.slow)])
def test_whatever_is_wished_can_be_said_in_a_folder_that_is_served(every):
    for n, wished in enumerate(any_intents(every)):
        made = make(wished, targets()[("static", "nginx", "netlify", "wordpress")[n % 4]])
        assert made.gaps == ()


@pytest.mark.slow
@pytest.mark.parametrize("target, leaves", list(product(targets(), (FOLDERS[:1], FOLDERS[1:], ("/a/=search", "/b/=fetch,tdm")))))
def test_every_stance_with_exceptions_comes_to_what_is_meant(target, leaves):
    for stance in STANCES:
        if target == "vercel" and "/open data/=ai-use,search" in leaves:
            with pytest.raises(ValueError, match="letters of ASCII"):
                kit(target, stance, *leaves)
            continue
        made = kit(target, stance, *leaves)
        assert made.gaps == () or target in PARTIAL


def test_the_comparison_is_over_every_crawler_and_finds_what_is_wrong():
    assert len(names()) > len({agent.token for agent in agents().values()})
    assert [kind for _, kind in samples(intent("reserve"))] == [PAGE, PAGE, PICTURE, FILE]
    made = kit("static", "turn-away")
    worse = {**made.root, words.ROBOTS: made.root[words.ROBOTS].replace("User-agent: ClaudeBot\n", "")}
    found = list(differences(made.intent, "/", PAGE, Kit(made.intent, made.target, made.files, worse).evidence("/", PAGE)))
    assert {(d.use, d.found, d.tokens) for d in found} >= {(Use.CRAWL, Answer.ALLOWED, ("ClaudeBot",))}


@pytest.mark.parametrize("target, gaps", [
    # where robots.txt can be changed, only other mining of what is no page stays uncovered
    ("ghost", {("tdm-other", "picture"), ("tdm-other", "file")}),
    ("wix", {("tdm-other", "picture"), ("tdm-other", "file")}),
    ("shopify", {("tdm-other", "picture"), ("tdm-other", "file")}),
    ("squarespace", {(use, kind) for use in ("train-genai", "ai-use", "tdm-other") for kind in ("picture", "file")}),
    ("artstation", {(use, kind) for use in ("train-genai", "ai-use", "tdm-other") for kind in ("page", "picture", "file")}),
])
def test_what_stays_uncovered_is_told(target, gaps):
    made = kit(target, "reserve")
    found = {(d.use.value, d.kind) for d in made.gaps if Answer.REFUSED in d.wanted and d.use is not Use.CRAWL}
    assert found == gaps


# What generators get wrong: one test each.

def test_no_stance_that_blocks_allows():
    robots = kit("static", "turn-away").root[words.ROBOTS]
    group = robots.partition("User-agent: *")[0]
    assert "Disallow: /\n" in group
    assert "Allow" not in group.replace("Disallow", "")


def test_every_wish_is_said_in_a_word_or_told_as_left_out():
    made = kit("static", "reserve", "/press/=train")
    assert "Content-Signal: search=yes, ai-input=no\n" in made.root[words.ROBOTS]
    assert ("signals-left-out", {"names": "ai-train"}) in made.notes
    assert ("lifted", {"path": "/press/"}) in made.notes


def test_no_rule_answers_for_robots_txt_at_the_edge():
    for target, stance in EACH:
        text = "\n".join(text for name, text in kit(target, stance).files.items() if name != "robots.txt")
        assert not re.search(r"return\s+403|deny\s+all|Require\s+all\s+denied|respond\b.*\b403|\[F\b", text), (target, stance)


def test_a_named_group_repeats_what_is_said_to_all():
    robots = kit("static", "search-only").root[words.ROBOTS]
    groups = [group for group in robots.split("\n\n") if "User-agent:" in group]
    assert len(groups) == 2
    assert all("Content-Usage: train-ai=n, ai-use=n, search=y" in group for group in groups)


def test_no_list_turns_search_or_fetchers_for_users_away_unless_everyone_is():
    for stance in set(STANCES) - {"closed"}:
        away = {name for group, _ in words.turned_away(intent(stance)) for name in group}
        purposes = {agents()[name.lower()].purpose for name in away}
        assert purposes <= FOR_TRAINING - {Purpose.SEARCH_INDEX_AND_TRAINING}
    assert ("away-everyone", {}) in kit("static", "closed").notes


def test_a_field_for_the_whole_site_does_not_cancel_an_exception():
    for target in ("netlify", "s3", "nuxt"):
        made = kit(target, "reserve", "/press/=all")
        assert "tdm-reservation" not in {name for name, _ in made.fields("/press/a.png", PICTURE)}
        assert ("not-everywhere" in dict(made.notes))
        assert answers(made, "/press/a.png", PICTURE, "GPTBot")[Use.TRAIN_GENAI] is Answer.ALLOWED
        assert answers(made, "/a.png", PICTURE, "GPTBot")[Use.TRAIN_GENAI] is Answer.REFUSED
    made = kit("nginx", "reserve", "/press/=all")
    assert ("tdm-reservation", "0") in made.fields("/press/a.png", PICTURE)
    assert ("tdm-reservation", "1") in made.fields("/a.png", PICTURE)


def test_folders_that_begin_with_a_dot_are_thought_of():
    assert kit("github-pages", "reserve").files[".nojekyll"] == ""
    assert "location = /.well-known/tdmrep.json {" in kit("nginx", "reserve").files["maymine-server.conf"]
    assert '<Location "/.well-known/tdmrep.json">' in kit("apache", "reserve").files["maymine.conf"]
    assert r"RewriteRule ^\.well-known/ - [L]" in kit("htaccess", "reserve").files[".htaccess"]
    assert "handle /.well-known/tdmrep.json" in kit("caddy", "reserve").files["maymine.caddy"]
    assert "optout/.well-known/tdmrep.json" in kit("11ty", "reserve").files


def test_fields_go_into_a_file_that_every_location_can_include():
    made = kit("nginx", "reserve")
    assert all(line.startswith("add_header ") and line.endswith(" always;") for line in made.files["maymine-headers.conf"].splitlines())
    assert made.target.steps.index("nginx-locations") > made.target.steps.index("nginx-server")


@pytest.mark.parametrize("leaves", [(), ("/press/=train",)])
def test_other_readers_let_in_and_turn_away_the_same(leaves):
    """Google's, Protego and the standard library; the last two take parts of names for names, the last the first rule that matches."""
    for stance in ("turn-away", "closed", "answers", "reserve"):
        meant = intent(stance, *leaves)
        robots = words.robots(meant)
        away = {name for group, _ in words.turned_away(meant) for name in group}
        protego, stdlib = Protego.parse(robots), RobotFileParser()
        stdlib.parse(robots.splitlines())
        for token, path in product(names(), ("/", "/works/a.html", "/press/a.png")):
            if not re.fullmatch("[A-Za-z_-]+", token) or any(name.lower() in token.lower() and name != token for name in away):
                continue
            agent, leave = agents().get(token.lower()), meant.leave(path)
            allowed = not meant.turns_away(agent) or (leave is not None and meant.lets_in(agent, leave))
            assert protego.can_fetch(ORIGIN + path, token) is allowed, (stance, token, path)
            assert stdlib.can_fetch(token, ORIGIN + path) is allowed, (stance, token, path)
            assert bool(RobotsMatcher().OneAgentAllowedByRobots(robots, token, ORIGIN + path)) is allowed, (stance, token, path)


# What each carrier looks like.

def test_tdmrep_json_is_an_array_with_the_broadest_rule_last_and_numbers():
    rules = json.loads(kit("static", "reserve", "/press/=all", "/press/kit/=fetch").root[words.TDMREP])
    assert [(r["location"], r["tdm-reservation"]) for r in rules] == [("/press/kit/", 0), ("/press/", 0), ("/", 1)]
    assert all(type(r["tdm-reservation"]) is int for r in rules)
    assert [r.get("tdm-policy") for r in rules] == [None, None, f"{ORIGIN}/tdm-policy.json"]


def test_the_policy_is_an_offer_that_names_whom_to_ask():
    offer = json.loads(kit("static", "reserve").root[words.POLICY])
    assert (offer["@type"], offer["profile"]) == ("Offer", "http://www.w3.org/ns/tdmrep")
    assert offer["assigner"]["vcard:fn"] == "Ana Künstler"
    assert offer["assigner"]["vcard:hasEmail"] == "mailto:ana@art.example"
    assert offer["permission"][0]["action"] == "tdm:mine"
    assert words.POLICY not in kit("static", "reserve", contact="", terms="").root


def test_usage_is_written_as_a_structured_field():
    assert words.usage(STANCES["answers"].said) == "train-ai=n, ai-use=y, search=y"
    robots = kit("static", "reserve", "/open data/=ai-use").root[words.ROBOTS]
    assert "Content-Usage: /open%20data/ train-ai=n, ai-use=y, search=y\n" in robots


def test_a_control_token_is_left_where_its_rule_would_refuse_what_is_allowed():
    robots = kit("static", "answers").root[words.ROBOTS]
    assert "Google-Extended" not in robots
    assert "Applebot-Extended" in robots
    assert ("controls-kept", {"names": "Google-Extended"}) in kit("static", "answers").notes


def test_the_comment_that_reserves_stands_only_where_it_is_true():
    assert words.RESERVED in kit("static", "reserve").root[words.ROBOTS]
    assert words.RESERVED not in kit("static", "reserve", "/press/=train").root[words.ROBOTS]
    assert words.RESERVED not in kit("static", "no-train").root[words.ROBOTS]


def test_a_licence_that_cannot_take_back_is_left_out():
    assert words.rsl(intent("no-train", "/press/=train")) == ""
    assert '<permits type="usage">all</permits>' in words.rsl(intent("reserve", "/press/=train"))


def test_files_can_be_left_out_and_ai_txt_added():
    made = make(intent("reserve"), targets()["static"], Wishes(True, frozenset({words.TRUST, words.RSL, words.POLICY})))
    assert set(made.root) == {words.ROBOTS, words.TDMREP, words.AI}
    assert "License" not in made.root[words.ROBOTS]
    assert json.loads(made.root[words.TDMREP])[0]["tdm-policy"] == f"{ORIGIN}/ai-policy"


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_template_of_a_shop_prints_what_is_meant(end):
    """By Liquid itself, whether or not the values of a shop end their lines."""
    made = kit("shopify", "search-only", "/press/=train")
    groups = [{"user_agent": f"User-agent: *{end}", "rules": [f"Disallow: /admin{end}", f"Disallow: /cart{end}"], "sitemap": f"Sitemap: {ORIGIN}/s{end}"},
              {"user_agent": f"User-agent: AhrefsBot{end}", "rules": [f"Crawl-delay: 10{end}"], "sitemap": None}]
    robots = Environment().from_string(made.files["templates/robots.txt.liquid"]).render(robots={"default_groups": groups})
    served = Kit(made.intent, made.target, made.files, {words.ROBOTS: robots})
    for path, kind in samples(made.intent):
        assert all(d.is_gap for d in differences(made.intent, path, kind, served.evidence(path, kind)))
    assert RobotsTxt(robots.encode()).verdict("/admin", "Googlebot") == (False, robots.splitlines().index("Disallow: /admin") + 1)
    assert len(RobotsTxt(robots.encode()).sitemaps) == 1


# Values of strangers.

HOSTILE = ('"; Header set X 1', "';}\nlocation / { return 403; }", "<?php system('id'); ?>", "{{ shop.secret }} {% raw %}", "</script><script>x",
           "MAYMINE;\nsystem('id');", "`{env.HOME}`", "${x} %{y}e %s", "\\", "a\r\nDisallow: /", "]]>&<", "- x: [y", "\u202eabc\u2066")


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_owner_changes_nothing_but_what_is_shown_of_the_owner(value):
    if "\u202e" in value:
        with pytest.raises(ValueError, match="control characters"):
            wishes.name(value)
        return
    owner = wishes.name(value)
    for target in ("static", "wordpress", "shopify"):        # where an owner stands, or a template is
        made, plain = kit(target, "search-only", owner=owner), kit(target, "search-only", owner="Ana")
        assert made.gaps == plain.gaps
        assert [made.fields(path, kind) for path, kind in samples(made.intent)] == [plain.fields(path, kind) for path, kind in samples(made.intent)]
        assert set(made.files) == set(plain.files)
        for name, text in made.files.items():
            if name not in ("maymine.php", "templates/robots.txt.liquid"):
                assert len(text.splitlines()) == len(plain.files[name].splitlines())


@pytest.mark.parametrize("value", [*HOSTILE, "$uri", "%{HOST}e", "a%20b", "`", "a'b", 'a"b', "a\\'b", "{http.request.host}", "\t", "x;y"])
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_a_value_comes_back_from_a_configuration_as_it_went_in_or_is_refused(configuration, value):
    write, read = CONFIGURATIONS[configuration]
    for rows in ([("/", [("X-Said", value)])], [("/a/", [("X-Said", "in")]), ("/", [("X-Said", value)])]):
        try:
            files = write(rows, "/license.xml", "/.well-known/tdmrep.json")
        except ValueError as error:
            assert "cannot stand in this configuration" in str(error)  # noqa: PT017  # one of two errors is right
            continue
        assert read(files, "/b") == [("X-Said", value)]


@pytest.mark.parametrize("make_value, value", [
    (wishes.origin, "https://art.example/path"), (wishes.origin, "https://user@art.example"), (wishes.origin, "ftp://art.example"),
    (wishes.origin, "https://art.example\n"), (wishes.origin, "https://"), (wishes.origin, "https://a b"), (wishes.origin, "https://[::1"),
    (wishes.address, "javascript:alert(1)"), (wishes.address, "https://art.example/#x"), (wishes.address, "/terms"),
    (wishes.address, "https://art.example/" + "a" * 400), (wishes.address, "https://art.example:port/"),
    (wishes.contact, "ana"), (wishes.contact, "ana@art.example\nx: y"), (wishes.contact, "a b@c.de"), (wishes.contact, "javascript://x"),
    (wishes.leave, "/press/"), (wishes.leave, "press/=train"), (wishes.leave, "/press=train"), (wishes.leave, "/=train"),
    (wishes.leave, "/a/=sell"), (wishes.leave, "/a$/=train"), (wishes.leave, "/*/=train"), (wishes.leave, '/a"/=train'),
    (wishes.leave, "/a%22/=train"), (wishes.leave, "/a%0a/=train"), (wishes.leave, "/../=train"), (wishes.leave, "/a//=train"),
    (wishes.leave, "/a;b/=train"), (wishes.leave, "/a%ff/=train"), (wishes.leave, "/{a}/=train"), (wishes.leave, "/a`/=train"),
    (wishes.name, "a" * 301), (wishes.name, "a\u2028b\u202e"),
])
def test_values_that_cannot_be_meant_are_refused(make_value, value):
    with pytest.raises(ValueError, match=r"^'|^a name is"):
        make_value(value)


@pytest.mark.parametrize("make_value, value, form", [
    (wishes.origin, "art.example", "https://art.example"), (wishes.origin, "http://ART.example:8080/", "http://art.example:8080"),
    (wishes.origin, "https://kün.example", "https://xn--kn-xka.example"),
    (wishes.address, "https://art.example/a'b\"c$d;{e}", "https://art.example/a%27b%22c%24d%3B%7Be%7D"),
    (wishes.address, "https://art.example?a=`b`&c=%20", "https://art.example/?a=%60b%60&c=%20"),
    (wishes.contact, "ana@art.example", "ana@art.example"), (wishes.name, " Ana \n Künstler ", "Ana Künstler"),
])
def test_values_are_brought_into_one_form(make_value, value, form):
    assert make_value(value) == form


def test_a_path_twice_is_refused():
    with pytest.raises(ValueError, match="twice"):
        intent("reserve", "/a/=train", "/%61/=search")


def test_a_contradiction_names_the_words_that_make_it():
    said = {Use.TRAIN_GENAI: True}
    with pytest.raises(Contradiction) as caught:
        make(Intent(ORIGIN, said, owner="No AI training. All rights reserved, also for text and data mining"), targets()["static"])
    assert any(getattr(f, "signal", "") == "prose.robots" for d in caught.value.differences for f in d.because)


def test_away_everyone_is_everyone():
    made = kit("static", "closed")
    for token in ("Googlebot", "ChatGPT-User", "SomeCrawler"):
        assert set(answers(made, "/", PAGE, token).values()) == {Answer.REFUSED}
    assert made.intent.away is Away.EVERYONE


def test_carriers_that_a_kit_does_not_have_are_absent_from_its_evidence():
    found = {e.carrier: e.access for e in kit("squarespace", "reserve").evidence("/", PAGE)}
    assert found[Carrier.ROBOTS_TXT] is found[Carrier.TDMREP_JSON] is Access.UNAVAILABLE
    assert isinstance(next(iter(kit("static", "reserve").evidence("/", PAGE))), Evidence)


def seen(made: Kit, path: str, kind: str, *others: Evidence) -> list[CollectedPage]:
    """A page as the kit would have it served, but for other evidence of some carriers."""
    mine = {e.carrier: e for e in (*made.evidence(path, kind), *others)}
    asset = Asset(made.intent.origin + path, {PAGE: "text/html", PICTURE: "image/png"}[kind])
    return [CollectedPage(asset.url, asset, tuple(mine.values()))]


def tagged(value: str, folder: Path) -> bytes:
    (folder / "one.png").write_bytes(PIXEL)
    change = tag.plan(folder / "one.png", tag.Tag(*parse(value)))
    assert change is not None
    return spliced(PIXEL, change.splices)


@pytest.mark.parametrize("stance", [*STANCES])
def test_the_tag_that_a_kit_recommends_passes_its_own_check(stance, tmp_path):
    made = kit("nginx", stance)
    if value := steps.tag(made.intent.said):
        picture = Evidence(Carrier.BODY, f"{made.intent.origin}/a.png", None, Access.OBTAINED, tagged(value, tmp_path))
        carriers, whole = compare(made, seen(made, "/a.png", PICTURE, picture))
        assert [one.problem for one in carriers] == ["besides"]
        assert whole == []
    assert compare(made, seen(made, "/a.png", PICTURE)) == ([], [])


@pytest.mark.parametrize("stance, value, problems", [
    ("search-only", "no-ai-training", {"besides"}), ("no-train", "except-search", {"besides"}), ("no-train", "allowed", {"against"}),
    ("no-ai", "allowed", {"against"}), ("search-only", "allowed", {"against"})])
def test_only_leave_that_was_not_declared_is_against_it(stance, value, problems, tmp_path):
    made = kit("nginx", stance)
    picture = Evidence(Carrier.BODY, f"{made.intent.origin}/a.png", None, Access.OBTAINED, tagged(value, tmp_path))
    carriers, whole = compare(made, seen(made, "/a.png", PICTURE, picture))
    assert {one.problem for one in carriers} == problems
    assert all(one.is_note for one in carriers) is (problems == {"besides"})
    assert not (whole and problems == {"besides"})


def test_a_refusal_of_what_was_allowed_differs_in_effect(tmp_path):
    made = kit("nginx", "answers")
    picture = Evidence(Carrier.BODY, f"{made.intent.origin}/a.png", None, Access.OBTAINED, tagged("no-mining", tmp_path))
    _, whole = compare(made, seen(made, "/a.png", PICTURE, picture))
    assert Use.AI_USE in {d.use for _, d in whole}


def test_a_merged_kit_passes_its_own_check():
    intent_ = intent("reserve")
    made = make(intent_, targets()["static"], Wishes(robots=b"User-agent: GPTBot\nDisallow: /\n"))
    again = make(intent_, targets()["static"], Wishes(robots=made.root["/robots.txt"].encode()))
    for path, kind in (("/", PAGE), ("/a.png", PICTURE)):
        assert compare(again, seen(again, path, kind)) == ([], [])
