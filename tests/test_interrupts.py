"""What is done whole, whatever interrupts it; and what the command line says of being stopped."""
from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from crawler import filter_run
from crawler.cli import main
from crawler.interrupts import held_back
from crawler.recorded import rows
from tests.test_filter import PAGES, archive

pytestmark = pytest.mark.usefixtures("interruptible")


def test_what_interrupts_waits_until_the_block_has_ended():
    done = []

    def work() -> None:
        with held_back():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            done.append("whole")
    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["whole"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_in_another_thread_nothing_waits():
    done = []

    def work() -> None:
        with held_back():
            done.append("whole")
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["whole"]


@pytest.mark.parametrize("step", ["_append", "_settle"])
def test_an_interrupt_while_an_input_is_put_in_place_loses_nothing(step, tmp_path, monkeypatch):
    for n in range(3):
        archive().write(tmp_path / f"{n}.warc.gz")
    args = ["filter", *(str(tmp_path / f"{n}.warc.gz") for n in range(3)), "-o", str(tmp_path / "run"), "--kept", str(tmp_path / "kept")]
    real = getattr(filter_run.Filtering, step)

    def interrupted(filtering: filter_run.Filtering, given: object) -> None:
        if step == "_settle" or any("done" in line for line in given):       # not where they are only numbered
            signal.raise_signal(signal.SIGINT)
        real(filtering, given)
    with monkeypatch.context() as patch:
        patch.setattr(filter_run.Filtering, step, interrupted)
        stopped = CliRunner().invoke(main, args)
    assert (stopped.exit_code, stopped.output) == (130, "stopped; the same command goes on\n")
    assert CliRunner().invoke(main, args).exit_code == 0
    assert len([row for row in rows(tmp_path / "run") if row.requested in PAGES]) == 3 * len(PAGES)
    assert len(list((tmp_path / "kept").iterdir())) == 3


def test_what_cannot_be_written_is_named_in_one_sentence(tmp_path: Path):
    archive().write(tmp_path / "a.warc.gz")
    (tmp_path / "file").write_bytes(b"")
    for args in (["filter", str(tmp_path / "a.warc.gz"), "-o", str(tmp_path / "file" / "run")],
                 ["declare", "--for", "nginx", "--origin", "https://a.example", "--stance", "reserve", "-o", str(tmp_path / "file" / "kit")]):
        result = CliRunner().invoke(main, args)
        assert (result.exit_code, result.output.splitlines()[-1]) == (2, f"Error: {args[-1]}: Not a directory"), result.output
