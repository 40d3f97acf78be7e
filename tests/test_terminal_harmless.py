"""A page that wants to steer the terminal of whoever checks it: from the server, through Scrapy, to the screen."""
from __future__ import annotations

import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from crawler.answer import answer
from crawler.commands.telling import tell
from crawler.demo import served, sites
from rules import Access, Asker, Asset, Carrier, Evidence, assess, policies

ROOT = Path(__file__).parents[1]
RUNAWAY_S = 60
EVIL = "\x1b[2J\x1b]0;owned\x07\x9b31m\r[bold red]gotcha[/] :bomb: \u202etxt\u2066\u2028"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def obeyed(text: str) -> set[str]:
    """Characters that a terminal acts on, but for the line feed."""
    return {c for c in text if c != "\n" and (unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or 0x202A <= ord(c) <= 0x202E
                                              or 0x2066 <= ord(c) <= 0x2069)}


@pytest.mark.parametrize("name", policies.names())
def test_strangers_words_in_every_place_are_shown_and_not_obeyed(name, capsys):
    url = "https://example.org/" + EVIL
    evidence = [Evidence(Carrier.ROBOTS_TXT, url, None, Access.OBTAINED,
                         f"User-agent: *\nDisallow: /{EVIL}\nDisallow: /\nContent-Signal: ai-train=no, {EVIL}".encode()),
                Evidence(Carrier.TDMREP_JSON, url, None, Access.UNREACHABLE, detail=EVIL),
                Evidence(Carrier.HTTP_FIELDS, url, None, Access.OBTAINED, f"X-Robots-Tag: noai {EVIL}\ntdm-reservation: 1".encode(), final_uri=url),
                Evidence(Carrier.BODY, url, None, Access.OBTAINED, f"<title>{EVIL}</title><meta name=robots content='noai, {EVIL}'>".encode())]
    policy = policies.load(name)
    a = assess(Asset(url, "text/html", url), evidence, policy, Asker("maymine"))
    tell({**answer(a, policy), "requested": url, "older_readings": {"rfc9309": True, "1996": None}}, verbose=True)
    shown = capsys.readouterr().out
    assert obeyed(shown) == set()
    assert "[bold red]gotcha[/] :bomb:" in " ".join(shown.split())
    assert "\\x1b[2J" in shown


@pytest.mark.slow
def test_check_of_a_pranksters_page_prints_harmlessly():
    prankster = next(site for site in sites() if site.name == "prankster")
    with served([prankster]) as [url]:
        done = subprocess.run([sys.executable, "-m", "crawler.cli", "check", "-v", "--allow-private", "--policy", "strictest", url],
                              capture_output=True, text=True, cwd=ROOT, timeout=RUNAWAY_S)
    assert done.returncode == 1
    assert "gotcha" in done.stdout
    assert obeyed(done.stdout) | obeyed(done.stderr) == set()


@pytest.mark.slow
def test_on_a_terminal_nothing_but_our_own_colours_is_obeyed():
    import pty
    prankster = next(site for site in sites() if site.name == "prankster")
    screen: list[bytes] = []

    def read(fd: int) -> bytes:
        data = os.read(fd, 4096)
        screen.append(data)
        return b""

    with served([prankster]) as [url]:
        master, slave = pty.openpty()
        child = subprocess.Popen([sys.executable, "-m", "crawler.cli", "check", "--allow-private", url], stdin=slave, stdout=slave,
                                 stderr=subprocess.DEVNULL, cwd=ROOT, env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"})
        os.close(slave)
        try:
            while True:
                read(master)
        except OSError:                          # the other end is closed
            pass
        finally:
            os.close(master)
        assert child.wait(RUNAWAY_S) == 1
    text = b"".join(screen).decode()
    assert COLOUR.search(text)
    assert obeyed(COLOUR.sub("", text).replace("\r\n", "\n")) == set()
