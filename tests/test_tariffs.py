"""Tariffs add up: shares are the pool to the minor unit, whatever the pool and the split; files that are none are refused."""
from __future__ import annotations

import csv
import io
import json
import re
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.ledger import money, tariff
from crawler.ledger.report import VIEWS
from crawler.ledger.settle import ROUNDING, Cell, SettleError, settle
from crawler.ledger.tariff import TariffError, load_tariff
from crawler.ledger.verify import Verified, verify
from crawler.report.page import embedded
from tests.test_ledger import flat, ledger, made, one, post

FEW = settings(max_examples=150, deadline=None)
POOL = """
tariff: pool
version: "1"
title: A pool
status: house
jurisdiction: any
currency: {currency}
rounding: {rounding}
sources: {{house: {{cite: ours}}}}
given: {{pool: {{what: the pool}}}}
lines:
  - {{id: all, {when}charge: {charge}, split: [{split}], because: house}}
examples:
  - {{name: one, given: {{pool: "10"}}, uses: [{{holder: a, work: w, use_type: train, unit: token, class: x, society: s}}], owed: {{a: "10"}}}}
"""


@cache
def pool(split: str = "{by: quantity}", currency: str = "EUR", rounding: str = "largest-remainder", charge: str = "{given: pool}") -> tariff.Tariff:
    """Without its example, which is of one split alone."""
    text = POOL.format(split=split, currency=currency, rounding=rounding, when="when: {unit: token}, ", charge=charge)
    return tariff._tariff(tariff.load(text.partition("examples:")[0] + "examples: []\n", "pool.yaml"), text)


CELLS = st.lists(st.builds(
    Cell, holder=st.sampled_from("abcdefg"), society=st.sampled_from(["s", "t", ""]), work_class=st.sampled_from(["x", "y", ""]), domain=st.text("abc", max_size=3),
    unit=st.just("token"), use_type=st.just("train"), line=st.just("all"), entries=st.integers(1, 9), works=st.integers(0, 5),
    quantity=st.decimals(0, "1e12", places=6), stated=st.decimals(0, "1e4", places=4)), min_size=1, max_size=25)
POOLS = st.decimals(0, "1e13", places=9).map(Fraction)
SPLITS = st.sampled_from(["{by: quantity}", "{by: work}", "{by: entry}", "{by: holder}", "{by: stated}",
                          '{by: class, shares: {x: "0.7", y: "0.3"}}, {by: work}', '{by: class, shares: {x: "0.123456789", z: "0.876543211"}}, {by: quantity}',
                          '{by: society, shares: {s: "1"}}, {by: class, shares: {x: "0.5", y: "0.5"}}, {by: quantity}'])


@pytest.mark.parametrize("name", tariff.names())
def test_every_tariff_that_comes_along_is_proved_and_says_how_far_it_was_checked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    known = tariff.shipped(name)
    assert known.name == name
    assert known.examples
    assert all(source.checked or re.search("ours|house", key) for key, source in known.sources.items())
    assert known.id in ledger("tariffs", name)
    assert name in ledger("tariffs")


@FEW
@given(cells=CELLS, units=POOLS, split=SPLITS, currency=st.sampled_from(["EUR", "KRW", "KWD"]), rounding=st.sampled_from(tariff.ROUNDING))
def test_shares_are_the_pool_to_the_minor_unit(cells: list[Cell], units: Fraction, split: str, currency: str, rounding: str) -> None:
    known = pool(split, currency, rounding)
    settled = settle(known, cells, {"pool": units})
    [charged] = settled.lines
    assert charged.exact == units
    assert charged.units == sum(share.units for share in settled.shares)
    assert abs(charged.rounding) <= Fraction(1, 2 * 10 ** money.digits(currency))
    assert Fraction(money.major(charged.units, currency)) - units == charged.rounding
    assert all(share.units >= 0 for share in settled.shares)
    if rounding == "largest-remainder":
        assert ROUNDING not in {share.cell.holder for share in settled.shares}
        assert settle(known, list(reversed(cells)), {"pool": units}).shares == settled.shares or len({c.holder + c.domain for c in cells}) < len(cells)


@FEW
@given(total=st.integers(-10 ** 15, 10 ** 15), weights=st.lists(st.integers(0, 10 ** 20), min_size=1, max_size=30))
def test_largest_remainders_add_up_and_no_share_is_a_unit_away(total: int, weights: list[int]) -> None:
    if not sum(weights):
        with pytest.raises(ValueError, match="nobody has a share"):
            money.apportion(total, weights)
        return
    shares = money.apportion(total, weights)
    assert sum(shares) == total
    assert all(abs(share - Fraction(total * w, sum(weights))) < 1 for share, w in zip(shares, weights, strict=True))
    assert all(share == 0 for share, w in zip(shares, weights, strict=True) if not w)


@pytest.mark.parametrize("value, currency, text", [("1.005", "EUR", "1.01"), ("1.0049", "EUR", "1.00"), ("0.5", "KRW", "1"), ("-0.005", "EUR", "-0.01"),
                                                   ("1.2345", "KWD", "1.235"), ("0", "EUR", "0.00")])
def test_amounts_are_rounded_half_away_from_zero(value: str, currency: str, text: str) -> None:
    assert money.major(money.minor(Fraction(value), currency), currency) == text


@pytest.mark.parametrize("text", ["", "1,5", "1e3", "NaN", "01", "1.", ".5", "+1", "1" * 31, "1." + "1" * 19, "١"])
def test_a_number_is_digits_and_at_most_one_point(text: str) -> None:
    with pytest.raises(ValueError, match="is no decimal number"):
        money.decimal(text)


@pytest.mark.parametrize("value, text", [(Fraction(1, 3), "1/3"), (Fraction(-1, 8), "-0.125"), (Fraction(5), "5"), (Fraction(1, 1000), "0.001")])
def test_fractions_are_written_exactly(value: Fraction, text: str) -> None:
    assert money.exactly(value) == text


@pytest.mark.parametrize("charge, wanted", [
    ('"7.5"', "7.5"), ('{share: "0.3", of: {given: pool}}', "30"), ('{times: [{count: work}, "2.5"]}', "7.5"), ('{sum: [{given: pool}, "1", {count: entry}]}', "104"),
    ('{largest: [{given: pool}, "1000"]}', "1000"), ('{smallest: [{given: pool}, "1000"]}', "100"), ('{price: "0.02", each: "1000", of: {quantity: token}}', "0.04"),
    ("{stated: amount}", "1.25"), ('{times: [{count: holder}, "1"]}', "2"),
    ('{price: "1", each: "3", of: {count: work}}', "1")])
def test_a_charge_is_what_its_expression_says(charge: str, wanted: str) -> None:
    known = pool("{by: entry}", "KWD", "account", charge)
    cells = [Cell("a", unit="token", line="all", entries=2, works=2, quantity=Decimal(1500), stated=Decimal("1.25")),
             Cell("b", unit="token", line="all", entries=1, works=1, quantity=Decimal(500))]
    assert settle(known, cells, {"pool": Fraction(100)}).lines[0].exact == Fraction(wanted)


def test_what_is_not_given_is_asked_for() -> None:
    with pytest.raises(SettleError, match="'pool' is not given: the pool"):
        settle(pool(), [Cell("a", line="all", quantity=Decimal(1))], {})


@pytest.mark.parametrize("change, wrong", [
    (("currency: EUR", "currency: euro"), "pool.yaml:7: 'euro' is no currency"),
    (("charge: {given: pool}", "charge: {given: gold}"), "'gold' is none of pool"),
    (("charge: {given: pool}", 'charge: "5"'), "pool.yaml:10: 'pool' is given and no charge uses it"),
    (("charge: {given: pool}", "charge: {eval: __import__}"), "a charge is a number, {given: name}"),
    (("charge: {given: pool}", 'charge: {sum: []}'), "a charge is a number"),
    (("charge: {given: pool}", 'charge: "1e9"'), "pool.yaml:12: '1e9' is no decimal number"),
    (("charge: {given: pool}", 'charge: "-5"'), "less than nothing is not used here"),
    (("charge: {given: pool}", 'charge: {price: "1", each: "0", of: {given: pool}}'), "each 0 is no price"),
    (("charge: {given: pool}", "charge: " + "{sum: [" * 20 + '"1"' + "]}" * 20), "nested more than 12 deep"),
    (("when: {unit: token}, ", ""), "what is split by quantity is counted in one unit"),
    (("when: {unit: token}, ", "when: {unit: [token, item]}, "), "what is split by quantity is counted in one unit"),
    (("when: {unit: token}, ", "when: {unit: tokens}, "), "'tokens' is none of item, token"),
    (("when: {unit: token}, ", "when: {colour: red}, "), "'colour' is not known here"),
    (("split: [{by: quantity}]", "split: []"), "a split ends by one of"),
    (("split: [{by: quantity}]", 'split: [{by: class, shares: {x: "1"}}]'), "a split ends by one of"),
    (("split: [{by: quantity}]", "split: [{by: work}, {by: quantity}]"), "what is split by work cannot be split again"),
    (("split: [{by: quantity}]", "split: [{by: class}, {by: work}]"), "by class has to say the shares"),
    (("split: [{by: quantity}]", 'split: [{by: class, shares: {x: "0.5", y: "0.4"}}, {by: work}]'), "the shares add up to 0.9, not to 1"),
    (("because: house}\n", "because: law}\n"), "'law' is none of house"),
    (('owed: {a: "10"}', 'owed: {a: "9"}'), "pool.yaml:14: example 'one': owed is a: 10.00, where a: 9 is written"),
    (('given: {pool: "10"}, uses', "uses"), "example 'one': 'pool' is not given"),
    (('given: {pool: "10"}, uses', 'given: {pool: "10.001"}, uses'), "rounding the charges adds -0.001, where 0 is written"),
    (("use_type: train", "use_type: read"), "'read' is none of copy, train"),
    (("unit: token, class", "unit: item, class"), "owed is nothing, where a: 10 is written"),
    (("status: house", "status: law"), "'law' is none of in-force, agreement"),
    (("rounding: largest-remainder", "rounding: up"), "'up' is none of largest-remainder, account"),
    (("title: A pool", "title: A pool\ntitle: Another"), "'title' stands twice"),
    (("lines:\n", 'lines:\n  - {id: first, charge: "0", split: [{by: work}], because: house}\n'), "line all can never apply"),
])
def test_a_tariff_that_is_none_is_refused_with_its_line(change: tuple[str, str], wrong: str) -> None:
    text = POOL.format(split="{by: quantity}", currency="EUR", rounding="largest-remainder", when="when: {unit: token}, ", charge="{given: pool}")
    assert load_tariff(text, "pool.yaml").id == "pool@1"
    assert change[0] in text
    with pytest.raises(TariffError) as error:
        load_tariff(text.replace(*change), "pool.yaml")
    assert wrong in str(error.value)
    assert all(re.match(r"pool\.yaml:\d+: ", line) for line in str(error.value).split("\n"))


def test_the_command_takes_the_views_that_there_are() -> None:
    from crawler.commands import ledger as command
    from crawler.ledger import entry
    assert tuple(VIEWS) == command.VIEWS
    assert (entry.USE_TYPES, entry.UNITS) == (command.USE_TYPES, command.UNITS)


def test_a_file_that_is_refused_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("tariff: mine\n")
    assert "mine.yaml:1: 'version' is missing" in flat(ledger("tariffs", tmp_path / "mine.yaml", code=2))
    assert "did you mean stim-ai-2025" in flat(ledger("tariffs", "stim-ai-2024", code=2))


# ---- reports

@pytest.fixture
def folder(tmp_path: Path) -> Path:
    dice = [("a", "news", "VG"), ("b", "news", ""), ("", "images", "VG")]
    post(tmp_path / "led<b>", [one(n, holder=dice[n % 3][0], work_class=dice[n % 3][1], society=dice[n % 3][2], value=str(n * 37 % 11 + 1), domain=f"d{n % 5}.example",
                                   occurred_at=f"2026-0{n % 6 + 1}-15T00:00:00Z", model_version="m1", duties=["remunerate"], basis="statutory") for n in range(60)])
    return tmp_path / "led<b>"


GEMA = ("--tariff", "gema-two-pillars-2024", "--given", "net_income=333.33", "--given", "minimum=1")


def test_every_view_adds_up_to_the_charge(folder: Path) -> None:
    views = [word for name in VIEWS for word in ("--by", name)]
    told = json.loads(ledger("report", folder, *GEMA, *views, "--format", "json"))
    assert told["tariff"]["charged"] == "100.00"
    assert told["tariff"]["lines"][0] | {"line": ""} == {"line": "", "entries": 60, "exact": "99.999", "charged": "100.00", "rounding": "0.001"}
    for rows in told["views"].values():
        assert sum(Fraction(row["amount"]) for row in rows) == 100
        assert sum(row["entries"] for row in rows) == sum(row["works"] for row in rows) == 60
        assert sum(Fraction(row["quantity"]["token"]) for row in rows) == sum(n * 37 % 11 + 1 for n in range(60))
    assert {row["name"] for row in told["views"]["holder"]} == {"a", "b", "unallocated"}
    assert [row["name"] for row in told["views"]["society"]].count("-") == 1


def test_every_form_holds_the_same_report(folder: Path, tmp_path: Path) -> None:
    for suffix in ("html", "json", "csv", "docx"):
        ledger("report", folder, *GEMA, "-o", tmp_path / f"r.{suffix}")
    told = json.loads((tmp_path / "r.json").read_text("utf-8"))
    html = (tmp_path / "r.html").read_text("utf-8")
    assert embedded(html) == told
    assert "led<b>" not in html.partition('<script type="application/json"')[0]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "r.csv").read_text("utf-8"))))
    assert [(row["holder"], row["amount"], row["currency"]) for row in rows] == [(r["name"], r["amount"], "EUR") for r in told["views"]["holder"]]
    assert ledger("report", folder, *GEMA, "--format", "csv") == (tmp_path / "r.csv").read_text("utf-8")
    shown = ledger("report", folder, *GEMA)
    assert "60 uses, charged by gema-two-pillars-2024@2024-09-26 with 100.00 EUR" in flat(shown)
    assert "what stands here is a what-if" in flat(shown)


def test_a_cell_that_a_spreadsheet_would_run_is_text(tmp_path: Path) -> None:
    post(tmp_path / "l", [one(0, holder="=cmd|' /C calc'!A0"), one(1, holder="-")])
    rows = list(csv.reader(io.StringIO(ledger("report", tmp_path / "l", "--format", "csv"))))
    assert [row[0] for row in rows] == ["holder", "-", "'=cmd|' /C calc'!A0"]


def test_a_period_and_what_is_outside(folder: Path) -> None:
    told = json.loads(ledger("report", folder, "--from", "2026-02", "--to", "2026-03", "--by", "period", "--format", "json"))
    assert ({r["name"]: r["entries"] for r in told["views"]["period"]}, told["uses"], told["outside"]) == ({"2026-02": 10, "2026-03": 10}, 20, 40)
    assert "no year, month or day" in flat(ledger("report", folder, "--from", "March", code=2))


def test_what_no_line_takes_and_what_is_not_given_is_told(folder: Path) -> None:
    assert "'net_income' is not given" in flat(ledger("report", folder, "--tariff", "gema-two-pillars-2024", code=3))
    assert "60 uses are of no line of the tariff" in flat(ledger("report", folder, "--tariff", "bartz-per-work-2025"))
    for words, wrong in ((("--given", "x=1"), "--given needs --tariff"), (("--tariff", "gema-two-pillars-2024", "--given", "x=1"), "asks for net_income"),
                         (("--tariff", "gema-two-pillars-2024", "--given", "minimum=-1"), "less than nothing"), (("--book",), "--book needs --tariff"),
                         (("--tariff", "nothing"), "'nothing' is no tariff"), (("-o", "x.pdf"), "ends in none of")):
        assert wrong in flat(ledger("report", folder, *words, code=2))


def test_prices_that_uses_state_are_charged_in_their_currency(tmp_path: Path) -> None:
    post(tmp_path / "l", [one(n, holder="a", amount="0.015", currency="USD" if n else "EUR", tariff_ref="stated:crawl") for n in range(3)])
    told = json.loads(ledger("report", tmp_path / "l", "--tariff", "rsl-stated", "--format", "json"))
    assert (told["tariff"]["charged"], told["stated"]) == ("0.03", {"EUR": "0.015", "USD": "0.03"})
    assert "Prices stated in EUR are not charged by a tariff in USD" in flat(ledger("report", tmp_path / "l", "--tariff", "rsl-stated"))


def test_a_report_that_is_booked_is_in_the_ledger_once(folder: Path) -> None:
    ledger("report", folder, *GEMA, "--book")
    assert [(e["status"], e["holder_ref"], e["currency"], e["debit"], e["credit"]) for e in made(folder)[60:]] == [
        ("reported", h, "EUR", f"owed/{h}", f"reported/{h}") for h in ("a", "b", "unallocated")]
    assert sum(Fraction(e["amount"]) for e in made(folder)[60:]) == 100
    into = Verified()
    assert list(verify(folder, into)) == []
    told = json.loads(ledger("report", folder, *GEMA, "--format", "json"))
    assert sum(Fraction(m["amount"]) for m in told["moved"]) == 100
    assert told["uses"] == 60, "what was reported is no use"
    assert "was booked for this time already" in flat(ledger("report", folder, *GEMA, "--book", code=2))
    assert len(made(folder)) == 63


def test_uses_are_exported_as_they_count(folder: Path, tmp_path: Path) -> None:
    ledger("correct", folder, made(folder)[0]["entry_id"], "--set", "holder_ref==2+3", "--note", "moved")
    ledger("correct", folder, made(folder)[2]["entry_id"], "--void", "--note", "never used")
    ledger("export", folder, "-o", tmp_path / "all.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "all.csv").read_text("utf-8"))))
    told = json.loads(ledger("report", folder, "--by", "society", "--format", "json"))
    assert len(rows) == told["uses"] == 59
    assert {r["work"] for r in rows} == {f"https://a.example/{n}" for n in range(60) if n != 2}
    assert [r["holder_ref"] for r in rows if r["work"] == "https://a.example/0"] == ["'=2+3"]
    assert [(r["duties"], r["unit"], r["scheme"]) for r in rows][:1] == [("remunerate", "token", "url")]
    some = list(csv.DictReader(io.StringIO(ledger("export", folder, "--society", "VG", "--from", "2026-02", "--to", "2026-03"))))
    assert len(some) == sum(n % 3 != 1 and n % 6 in (1, 2) for n in range(60) if n != 2)
    assert {r["holder_ref"] for r in csv.DictReader(io.StringIO(ledger("export", folder, "--holder", "unallocated", "--model", "m1")))} == {"unallocated"}
    assert ledger("export", folder, "--policy", "x").count("\n") == 1
