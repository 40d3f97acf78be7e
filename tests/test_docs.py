"""What the documents say holds: tables are those of the code, blocks run, recipes work.

`python -m tests.test_docs` brings the tables in the README up to date.
"""
from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from crawler.cli import main

ROOT = Path(__file__).parents[1]
README, RULES = ROOT / "README.md", ROOT / "rules" / "README.md"
# Tables that a command makes, by name.
TABLES = {"signals": ("signals", "--format", "markdown"), "policies": ("policy", "list", "--format", "markdown")}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACE = re.compile(r"# ([\w./-]+)(?:, (\w+))?\n")
COMMAND = re.compile(r"(?:^    |`)(maymine [^`\n]+)", re.MULTILINE)
RUNAWAY_S = 120


def maymine(*words: str) -> click.testing.Result:
    return CliRunner().invoke(main, words, prog_name="maymine")


def table(name: str = "signals") -> str:
    return maymine(*TABLES[name]).output


def marks(name: str) -> tuple[str, str]:
    return f"<!-- {name}: made by `maymine {' '.join(TABLES[name])}` -->\n", f"<!-- /{name} -->"


def blocks(path: Path, language: str) -> list[str]:
    return [text for name, text in BLOCK.findall(path.read_text("utf-8")) if name == language]


# ---- README.md

@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_those_of_the_code(name: str) -> None:
    begin, end = marks(name)
    told = README.read_text("utf-8").partition(begin)[2].partition(end)[0]
    assert told == table(name), "python -m tests.test_docs"


def test_the_table_of_policies_has_a_row_for_each_and_tells_what_a_proposal_is() -> None:
    from rules import policies
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table("policies").splitlines()]
    assert rows[0] == ["name", "where", "status", "title"]
    assert [row[0].strip("` ") for row in rows[2:]] == list(policies.names())
    for row in rows[2:]:
        assert ("only when named" in row[2]) == (policies.load(row[0].strip("` ")).status in ("draft", "proposal"))


def test_the_table_has_a_row_for_each_signal() -> None:
    from rules.signals import SIGNALS
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table().splitlines()]
    assert rows[0] == ["signal", "protocol", "carrier", "uses", "forms", "spec", "vectors"]
    assert [row[0].strip("` ") for row in rows[2:]] == list(SIGNALS)
    assert all(len(row) == len(rows[0]) for row in rows)


@pytest.mark.parametrize("number", range(len(blocks(README, "python"))))
def test_python_in_the_readme_runs(number: int) -> None:
    exec(compile(blocks(README, "python")[number], "README.md", "exec"), {})


def test_there_is_python_in_the_readme() -> None:
    assert blocks(README, "python")


@pytest.mark.parametrize("line", [*COMMAND.findall(README.read_text("utf-8")), *COMMAND.findall(RULES.read_text("utf-8"))])
def test_commands_in_the_documents_exist(line: str) -> None:
    words = shlex.split(line.partition(" < ")[0], comments=True)[1:]
    command: click.Command = main
    while isinstance(command, click.Group):
        assert words, line
        assert words[0] in command.commands, line
        command = command.commands[words.pop(0)]
    command.make_parser(click.Context(command)).parse_args(words)


def test_every_setting_is_in_the_table_with_its_default() -> None:
    from crawler.settings import DEFAULTS
    rows = dict(re.findall(r"^\| `(MAYMINE_\w+)` \| (.+?) \|", README.read_text("utf-8"), re.MULTILINE))
    assert set(rows) == {"MAYMINE_TOKEN", *DEFAULTS}
    for name, default in DEFAULTS.items():
        assert eval(rows[name].strip("`")) == default, name


def test_the_way_to_the_commands_is_told() -> None:
    use = README.read_text("utf-8").partition("## Use\n")[2]
    assert use.index(". .venv/bin/activate") < use.index("    maymine check")


def test_every_command_is_named_in_the_readme() -> None:
    named = {line.split()[1] for line in COMMAND.findall(README.read_text("utf-8"))}
    assert {"check", "crawl", "explain", "decide", "replay", "assess", "policy", "signals"} <= named <= set(main.commands)


@pytest.mark.parametrize("path", [README, RULES], ids=["README.md", "rules/README.md"])
def test_links_and_files_are_there(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text("utf-8").replace(table(), "")):
        assert (path.parent / target).exists(), target


# ---- rules/README.md

def test_a_policy_is_added_as_the_recipe_says(tmp_path: Path) -> None:
    nearest, mine = ROOT / "rules" / "policies" / "strictest.yaml", tmp_path / "mine.yaml"
    mine.write_text(nearest.read_text("utf-8").replace("policy: strictest", "policy: mine").replace("silence: {then: prohibit", "silence: {then: permit"))
    told = maymine("policy", "check", str(mine))
    assert told.exit_code == 1
    assert all(re.match(rf"{re.escape(str(mine))}:\d+: ", line) for line in told.stdout.splitlines())
    assert "Nothing said anywhere" in told.stdout
    mine.write_text(mine.read_text("utf-8").replace("verdict: prohibited, by: []", "verdict: permitted, by: []"))
    assert (maymine("policy", "check", str(mine)).stdout, maymine("policy", "check", str(mine)).exit_code) == ("", 0)
    shown = maymine("policy", "show", str(mine), "--format", "json")
    assert (shown.exit_code, '"name": "mine"' in shown.output) == (0, True)


@pytest.mark.slow
def test_a_signal_is_added_as_the_recipe_says(tmp_path: Path) -> None:
    for folder in ("rules", "crawler", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "bench"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for block in (*blocks(RULES, "python"), *blocks(RULES, "yaml")):
        place = PLACE.match(block)
        assert place, block
        add(tmp_path / place[1], block[place.end():], place[2])
    signals = tmp_path / "rules" / "signals" / "__init__.py"
    signals.write_text(signals.read_text("utf-8").replace("    llms_txt,\n", "    llms_txt,\n    no_mining,\n", 1))

    def run(*words: str) -> str:
        done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, cwd=tmp_path, timeout=RUNAWAY_S, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
    tested = run("pytest", "-q", "-p", "no:cacheprovider", "tests/test_vectors.py", "tests/test_policies.py", "tests/test_pure.py", "-k",
                 "no-mining or no_mining or test_policies or every_signal")
    assert int(re.search(r"(\d+) passed", tested)[1]) > 10  # type: ignore[index]  # else the test fails
    assert "no-mining.header" in run("crawler.cli", "signals")
    assert run("mypy", "rules/signals/no_mining.py", "--cache-dir", str(tmp_path / "mypy")).startswith("Success")
    run("ruff", "check", "--no-cache", "rules/signals/no_mining.py")


def add(path: Path, block: str, table: str | None) -> None:
    """A file of its own, or a row at the top of a table."""
    if not table:
        assert not path.exists()
        path.write_text(block)
        return
    text = path.read_text("utf-8")
    opening = re.search(rf"^{table}: .* in \($\n", text, re.MULTILINE)
    assert opening, table
    path.write_text(text[:opening.end()] + block + text[opening.end():])


if __name__ == "__main__":
    for name in TABLES:
        begin, end = marks(name)
        before, _, rest = README.read_text("utf-8").partition(begin)
        README.write_text(before + begin + table(name) + end + rest.partition(end)[2])
