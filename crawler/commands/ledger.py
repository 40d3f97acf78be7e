"""`maymine ledger`: what was used, whose it is, and what a tariff makes of it."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import CLEAN, FINDINGS, UNDECIDED, ledgers, options, tariffs

if TYPE_CHECKING:
    from ..ledger.posting import Posted
    from ..ledger.tariff import Tariff

USE_TYPES = ("copy", "train", "fine_tune", "embed", "retrieve", "output")        # ledger/entry.py
UNITS = ("item", "token", "pixel", "second", "byte", "word", "page")
VIEWS = ("holder", "domain", "class", "society", "period", "model", "use", "policy")     # ledger/report.py
TOLD = 20                            # troubles on a terminal

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("ledger")
def command() -> None:
    """Keep a ledger of what was used: whose work, how much, by what right, for which model.

    Entries are only ever added; each is linked to the one before by its hash, moves something from one account to another, and
    is corrected by another entry alone. A tariff (YAML) says what is charged for uses and among whom it is split.

    \b
    Example:
      maymine ledger post LEDGER --manifest train.parquet --model m1
      maymine ledger verify LEDGER
      maymine ledger report LEDGER --tariff stim-ai-2025 --given training_fee=100000
    """


@command.command("post", epilog=options.example(
    "maymine ledger post LEDGER --run RUN --policy kr-item32-2026 --model m1",
    "maymine ledger post LEDGER --manifest train.parquet --run RUN --model m1 --holders holders.csv",
    "maymine ledger post LEDGER --manifest payments.csv"))
@ledgers.ledger
@click.option("--run", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="RUN",
              help="Enter the items whose use carries a duty to record, report or pay; with --manifest, say by what right.")
@click.option("--policy", default="", metavar="NAME", help="Policy of the run. [default: the first]")
@click.option("--use", default="train-genai", show_default=True, metavar="USE", help="The use that the run is asked about.")
@click.option("--manifest", type=FILE, metavar="FILE",
              help="CSV, JSON Lines or Parquet of what was used: works with tokens, pixels, seconds or items, and epochs.")
@click.option("--holders", type=FILE, metavar="FILE",
              help="CSV that says whose works are: domain, url or work; holder, class, society. Registers come after it.")
@click.option("--model", default="", metavar="TEXT", help="The model, with its version.")
@click.option("--dataset", default="", metavar="TEXT", help="The data set, with its version.")
@click.option("--use-type", type=click.Choice(USE_TYPES), help="What was done, where the manifest does not say.")
@click.option("--unit", type=click.Choice(UNITS), help="What is counted, where a manifest has several; byte or item of a run.")
@click.option("--date", default="", metavar="TIME", help="When it was, for rows that tell no time. [default: now]")
@options.registers
@options.format("text", "json")
@click.pass_context
def post(ctx: click.Context, ledger: Path, run: Path | None, policy: str, use: str, manifest: Path | None, holders: Path | None,
         model: str, dataset: str, use_type: str | None, unit: str | None, date: str, registers: options.Registered,
         form: str) -> None:
    """Add entries to a ledger, or begin one.

    Each row of a source is posted once: the same command goes on where a killed one stopped, and posts nothing when all is
    there. Of works whose holder is not known, what is due is owed to `unallocated`; 'maymine ledger correct --holders' moves
    it.

    Exit code: 0 posted; 1 something was used that the run prohibits, leaves open or does not know; 2 the command line, or a
    file that it names, is not as it must be; 3 the records of the run cannot be read.
    """
    from ..ledger import book, posting
    from ..ledger import manifest as manifests
    from ..terminal import progress
    if run is None and manifest is None:
        raise click.UsageError("name what is to be posted: --run RUN, --manifest FILE, or both")
    if policy and run is None:
        raise click.UsageError("--policy is one of a run; name it: --run RUN")
    if manifest is None and unit not in (None, "item", "byte"):
        raise click.UsageError(f"a run counts items or bytes, not {unit}")
    with ledgers.using():
        asked = posting.Asked(model, dataset, use_type or "", unit or "", ledgers.time(date),
                              ledgers.holders(holders, registers))
        posted, told = posting.Posted(), ""
        by = posting.policy_of(run, policy, use) if run is not None else ""
        if manifest is not None:
            table = manifests.find(manifest, unit or "")
            told, rows = table.told, table.check()
            with book.opened(ledger) as opened, progress("posting", rows) as done:
                posting.post_manifest(opened, table, asked, posted, run, by, use if run is not None else "", done)
        elif run is not None:
            with book.opened(ledger) as opened, progress("posting") as done:
                posting.post_run(opened, run, by, use, asked, posted, done)
    asked_by_run = _registers_of(run) if run is not None and not registers.named else []
    _tell_post(opened, posted, told, run is not None and manifest is not None, asked_by_run, form)
    ctx.exit(FINDINGS if posted.prohibited or posted.open or posted.unknown else CLEAN)


def _registers_of(run: Path) -> list[str]:
    """Names of the registers that a run was decided with."""
    from ..run import read_manifest
    manifest = read_manifest(run)
    return list(dict.fromkeys(r["name"] for source in (manifest, *manifest["policies"]) for r in source.get("registers", ())))


def _tell_post(opened: Any, posted: Posted, told: str, ruled: bool, asked: list[str], form: str) -> None:
    from ..terminal import counted, say
    from .output import values
    _tell_cut(opened)
    seal = opened.seal
    if form == "json":
        values("jsonl", [{"posted": posted.entries, "rows": posted.rows, "before": posted.before,
                          "unallocated": posted.unallocated, "bases": dict(sorted(posted.bases.items())),
                          "prohibited": posted.prohibited, "open": posted.open,
                          "unknown": posted.unknown, "columns": told, "entries": seal.entries, "head": seal.head}])
        return
    say(f"{counted(posted.entries, 'entry', 'entries')} posted of {counted(posted.rows, 'row')}; "
        f"the ledger has {seal.entries:,}.")
    if told:
        say(f"Columns: {told}.")
    elif not posted.entries and posted.rows > posted.before:
        say(f"No {'other ' * bool(posted.before)}decision about this use carries a duty to record, to report or to pay.")
    if posted.before:
        say(f"Dealt with before: {counted(posted.before, 'row')}.")
    if posted.bases:
        say("Basis: " + ", ".join(f"{n:,} {basis}" for basis, n in sorted(posted.bases.items())) + ".")
    if posted.unallocated:
        say(f"Without a known holder: {counted(posted.unallocated, 'entry', 'entries')}; "
            "what is due is owed to 'unallocated'.")
        if asked:
            say(f"The run asked registers ({', '.join(asked)}), which may name holders; 'maymine ledger correct LEDGER "
                "--register FILE --note WHY' takes them from there, and so does a post with --register FILE.")
    if ruled:
        for n, what in ((posted.prohibited, "the policy prohibits it"), (posted.open, "the policy leaves it open"),
                        (posted.unknown, "the run has no record of it")):
            if n:
                say(f"Used, and {what}; the basis is none: {counted(n, 'work')}.")
    say(f"Head: {seal.head}. Note it elsewhere: 'maymine ledger verify --head' shows with it that nothing was cut off.")


def _tell_cut(opened: Any) -> None:
    """What a killed process had left behind."""
    from ..terminal import counted, say
    if opened.found:
        say(f"Written by a stopped process, and sealed now: {counted(opened.found, 'entry', 'entries')}.", err=True)
    if opened.cut:
        say(f"The beginning of an entry, {len(opened.cut):,} bytes that a stopped process had written, was cut and is kept in "
            "torn.txt; the same command posts it again.", err=True)


@command.command("verify", epilog=options.example(
    "maymine ledger verify LEDGER", "maymine ledger verify LEDGER --head sha256:..."))
@ledgers.ledger
@click.option("--head", "noted", default="", metavar="HASH", help="A head that was noted earlier: it must still be in the "
              "chain.")
@options.format("text", "json")
@click.pass_context
def verify(ctx: click.Context, ledger: Path, noted: str, form: str) -> None:
    """Check every entry, every link, every correction and the seal; name each entry that was tampered with.

    Exit code: 0 it holds together; 1 it does not, and what is wrong was told; 2 the command line is not as it must be.
    """
    from ..ledger import book, money
    from ..ledger import verify as checking
    from ..terminal import counted, progress, say
    from .output import values
    into = checking.Verified()
    with ledgers.using():
        book.is_ledger(ledger)
        with progress("verifying", book.read_seal(ledger).entries) as done:
            troubles = list(checking.verify(ledger, into, noted, done))
    if form == "json":
        values("jsonl", [{"entries": into.entries, "head": into.head, "unsealed": into.unsealed, "torn_bytes": into.torn_bytes,
                          "noted_at": into.noted, "balances": [
                              {"account": account, "in": unit, "balance": money.written(value)}
                              for (account, unit), value in sorted(into.sums.items())], "troubles": [
                              {"where": t.where, "entry_id": t.entry_id, "what": t.what} for t in troubles]}])
    else:
        for one in troubles[:TOLD]:
            say(f"{one.where} {one.entry_id}: {one.what}", "red")
        if len(troubles) > TOLD:
            say(f"... and {len(troubles) - TOLD:,} more; --format json has all")
        if into.unsealed:
            say("After the last seal, as a process was stopped, and part of the chain: "
                f"{counted(into.unsealed, 'entry', 'entries')}.")
        if into.torn_bytes and not troubles:
            say(f"{into.torn_bytes:,} bytes at the end are the beginning of an entry that was not finished; the next post cuts "
                "them.")
        if into.noted:
            say(f"The head that was noted is that of entry {into.noted:,}.")
        if not troubles and into.sums:
            accounts = len({account for account, _ in into.sums})
            say(f"Debits equal credits over {counted(accounts, 'account')}; --format json has each balance.")
        say(f"{counted(into.entries, 'entry', 'entries')}, {counted(len(troubles), 'trouble')}. Head: {into.head}")
    ctx.exit(FINDINGS if troubles else CLEAN)


@command.command("report", epilog=options.example(
    "maymine ledger report LEDGER --by domain",
    "maymine ledger report LEDGER --tariff gema-two-pillars-2024 --given net_income=250000 --given minimum=10000",
    "maymine ledger report LEDGER --tariff our.yaml --from 2026-01 --to 2026-06 -o report.html"))
@ledgers.ledger
@click.option("--tariff", "name", default="", metavar="NAME|FILE", help="Charge by this tariff (see maymine ledger tariffs).")
@click.option("--given", multiple=True, metavar="NAME=NUMBER", help="A fact that the tariff asks for; may be given again.")
@click.option("--by", "views", type=click.Choice(VIEWS), multiple=True, help="What to add up by; may be given again. "
              "[default: holder; in files all]")
@click.option("--from", "since", default="", metavar="TIME", help="Uses since then: 2026, 2026-03 or 2026-03-31.")
@click.option("--to", "until", default="", metavar="TIME", help="Uses until the end of this year, month or day.")
@click.option("--policy", default="", metavar="NAME", help="Uses that this policy ruled about alone.")
@click.option("--model", default="", metavar="TEXT", help="Uses for this model alone.")
@click.option("--book", "booked", is_flag=True, help="Also post what each holder is charged, as entries of status 'reported'.")
@click.option("-o", "--output", "out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write a file: .html, .csv, .json, .docx.")
@options.format("text", "csv", "json")
@click.pass_context
def report(ctx: click.Context, ledger: Path, name: str, given: tuple[str, ...], views: tuple[str, ...], since: str, until: str,
           policy: str, model: str, booked: bool, out: Path | None, form: str) -> None:
    """Add up a ledger: by holder, domain, class of works, society, month, model or use; with --tariff also what is charged.

    Amounts are exact; every charge is rounded once, the rounding is told, and the shares add up to the charge.

    Exit code: 0 done; 2 the command line, or a file that it names, is not as it must be; 3 the tariff cannot be applied: it
    asks for a fact that was not given.
    """
    from ..ledger import document, gather, settle
    from ..ledger import report as reports
    from ..terminal import progress
    from .output import echo_json
    if out is not None and out.suffix not in (*document.FORMS, ".csv"):
        raise click.UsageError(f"{out} ends in none of {', '.join((*document.FORMS, '.csv'))}")
    tariff = tariffs.named(name) if name else None
    facts = dict(tariffs.fact(text, tariff) for text in given)
    if booked and tariff is None:
        raise click.UsageError("--book needs --tariff: without one nothing is charged")
    chosen = views or (VIEWS if out is not None and out.suffix != ".csv" else VIEWS[:1])
    with ledgers.using():
        ledgers.period(since, until)
        asked = gather.Asked(since, until, policy, model)
        with progress("adding up") as done:
            gathered = gather.gather(ledger, tariff, asked, done)
        try:
            settled = settle.settle(tariff, gathered.cells, facts) if tariff else None
        except settle.SettleError as error:
            options.complain(str(error))
            ctx.exit(UNDECIDED)
        told = reports.data(ledger.name, gathered, tariff, settled, facts, chosen, asked)
        if booked and tariff and settled:
            _book(ledger, told, settled, tariff, facts)
    made = reports.document(told)
    if out is not None:
        try:
            if out.suffix == ".csv":
                out.write_text(reports.text_of_csv(told, chosen[0]), "utf-8", "replace")
            else:
                document.write(made, out)
        except ImportError:
            raise click.UsageError("a .docx needs python-docx: pip install 'maymine[docx]'; .html needs nothing") from None
        except OSError as error:
            raise click.UsageError(f"{out} cannot be written: {options.reason(error)}") from error
    if form == "csv":
        click.echo(reports.text_of_csv(told, chosen[0]), nl=False)
    elif form == "json":
        echo_json(document.text_of_json(made).rstrip("\n"))
    elif out is None:
        document.say(made)


def _book(ledger: Path, told: dict[str, Any], settled: Any, tariff: Tariff, facts: dict[str, Any]) -> None:
    from ..ledger import book, money, posting
    from ..ledger import report as reports
    from ..terminal import counted, say
    source = posting.source_of({"report": tariff.digest, **{key: told[key] for key in ("from", "to", "policy", "model")},
                                **{f"given {name}": money.exactly(value) for name, value in facts.items()}})
    with book.opened(ledger) as opened:
        if source in opened.seal.sources:
            raise book.LedgerError("this tariff with these facts was booked for this time already; take those entries back "
                                   "('maymine ledger correct --void'), or name another time")
        n = opened.append(reports.bookings(told, settled, tariff, ledgers.time(""), source), whole=True)
    say(f"Posted with status 'reported': {counted(n, 'entry', 'entries')}. Head: {opened.seal.head}", err=True)


@command.command("export", epilog=options.example(
    "maymine ledger export LEDGER --society KOSA --from 2026-01 --to 2026-06 -o kosa.csv"))
@ledgers.ledger
@click.option("--society", default="", metavar="TEXT", help="Works of this society alone.")
@click.option("--holder", default="", metavar="TEXT", help="Works of this holder alone; 'unallocated': of nobody known.")
@click.option("--from", "since", default="", metavar="TIME", help="Uses since then: 2026, 2026-03 or 2026-03-31.")
@click.option("--to", "until", default="", metavar="TIME", help="Uses until the end of this year, month or day.")
@click.option("--policy", default="", metavar="NAME", help="Uses that this policy ruled about alone.")
@click.option("--model", default="", metavar="TEXT", help="Uses for this model alone.")
@click.option("-o", "--output", "out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write a CSV file. [default: standard output]")
def export(ledger: Path, society: str, holder: str, since: str, until: str, policy: str, model: str,
           out: Path | None) -> None:
    """Write the uses that count, one a row, as CSV: for a society or a holder.

    Exit code: 0 written; 2 the command line is not as it must be.
    """
    import sys

    from ..ledger import book, exporting, gather
    from ..terminal import progress, say
    with ledgers.using():
        ledgers.period(since, until)
        book.is_ledger(ledger)
        found = exporting.uses(ledger, gather.Asked(since, until, policy, model), society, holder)
        with progress("writing", book.read_seal(ledger).entries) as done:
            if out is None:
                exporting.write(sys.stdout, found, done)
            else:
                with out.open("w", encoding="utf-8", errors="replace", newline="") as file:
                    say(f"{exporting.write(file, found, done):,} uses written.", err=True)


@command.command("correct", epilog=options.example(
    "maymine ledger correct LEDGER 3f2a9c0d11e4 --set holder_ref=\"Ahn Publishing\" --note \"claim of 3 March\"",
    "maymine ledger correct LEDGER 3f2a9c0d11e4 --void --note \"counted twice\"",
    "maymine ledger correct LEDGER --holders holders.csv --note \"search of March\""))
@ledgers.ledger
@click.argument("entry_id", default="", metavar="[ENTRY]")
@click.option("--set", "changes", multiple=True, metavar="FIELD=VALUE", help="What is right instead; may be given again.")
@click.option("--void", is_flag=True, help="Take the entry back, and put nothing in its place.")
@click.option("--holders", type=FILE, metavar="FILE", help="Move entries of 'unallocated' to the holders of this CSV.")
@click.option("--note", required=True, metavar="TEXT", help="Why; it stands in the entries.")
@click.option("--date", default="", metavar="TIME", help="When. [default: now]")
@options.registers
def correct(ledger: Path, entry_id: str, changes: tuple[str, ...], void: bool, holders: Path | None, note: str,
            date: str, registers: options.Registered) -> None:
    """Correct an entry by new ones: one takes it back, another may stand instead. Nothing that stands is changed.

    Exit code: 0 corrected; 2 the command line is not as it must be, or the entry cannot be corrected.
    """
    from ..ledger import book
    from ..ledger import correct as correcting
    from ..terminal import counted, progress, say
    moving = holders is not None or bool(registers.named)
    if bool(entry_id) == moving or (entry_id and bool(changes) == void):
        raise click.UsageError("name an ENTRY with --set or --void, or --holders FILE or --register FILE")
    if not note.strip():
        raise click.UsageError("--note says why; it cannot be empty")
    with ledgers.using():
        at, listed = ledgers.time(date), ledgers.holders(holders, registers)
        book.is_ledger(ledger)
        with book.opened(ledger) as opened:
            if not moving:
                of = correcting.find(ledger, entry_id)
                n = opened.append(correcting.correction(of, dict(_change(c) for c in changes), at, note), whole=True)
            else:
                assigned = correcting.Assigned()
                with progress("looking", opened.seal.entries) as done:
                    n = opened.append(correcting.assignments(ledger, opened.seal.entries, listed, at, note, assigned, done))
    _tell_cut(opened)
    if moving:
        say(f"{counted(assigned.moved, 'entry', 'entries')} moved from 'unallocated' to their holders; "
            f"{assigned.left:,} {'stays' if assigned.left == 1 else 'stay'} there.")
    say(f"{counted(n, 'entry', 'entries')} posted; the ledger has {opened.seal.entries:,}. Head: {opened.seal.head}")


command.add_command(tariffs.command)


def _change(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise click.UsageError(f"--set wants FIELD=VALUE: '{text}'")
    return name, value
