"""Inputs in stores: a server that speaks as S3 does, on loopback, and fsspec's store in memory."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from crawler import nursery
from crawler.archive import inputs
from crawler.cli import main
from crawler.recorded import rows
from tests.test_filter import LINES, MAKE, PAGES, VERDICTS, archive, decided, run
from tests.test_inputs import data_set, shard

fsspec = pytest.importorskip("fsspec", reason="install fsspec")


def test_folders_data_sets_and_globs_in_a_store(tmp_path):
    system = fsspec.filesystem("memory")
    data_set(tmp_path / "birds", ["b.arrow", "a.arrow"])
    shard(tmp_path / "00000.tar")
    (tmp_path / "00000.parquet").write_bytes(b"PAR1")
    for name in ("birds/b.arrow", "birds/a.arrow", "birds/state.json", "birds/dataset_info.json", "00000.tar", "00000.parquet"):
        system.pipe_file(f"/inputs-test/{name}", (tmp_path / name).read_bytes())
    found = inputs.expand(["memory://inputs-test"])
    assert [(one.name, one.under) for one in found] == [("00000.tar", ""), ("b.arrow", "inputs-test/birds"), ("a.arrow", "inputs-test/birds")]
    code, out = run("memory://inputs-test/birds", "-o", tmp_path / "run", "--kept", tmp_path / "k")
    assert code == 0, out
    assert {row.requested for row in rows(tmp_path / "run")} == set(PAGES)
    assert json.loads((tmp_path / "k" / "birds" / "state.json").read_bytes())["_data_files"] == [{"filename": "b.arrow"}, {"filename": "a.arrow"}]


def test_a_store_that_is_not_there_is_an_error(tmp_path):
    for word in ("memory://nothing/here/*.warc.gz", "memory://nothing/a.warc.gz", "nosuchstore://x/a.warc.gz"):
        code, out = run(word, "-o", tmp_path / "run")
        assert (code, word in out) == (2, True), out


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """An S3 server in a process of its own, with one bucket."""
    pytest.importorskip("moto", reason="install moto[server]")
    s3fs = pytest.importorskip("s3fs", reason="install s3fs")
    code = ("from moto.server import ThreadedMotoServer; s = ThreadedMotoServer('127.0.0.1', 0, verbose=False); s.start(); "
            "print(s.get_host_and_port()[1], flush=True); input()")
    server = subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    before = dict(os.environ)
    nursery.begin()                          # so workers are forked from a process that is older than the keys
    try:
        os.environ |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
                       "AWS_ENDPOINT_URL": f"http://127.0.0.1:{int(server.stdout.readline().split(':')[-1])}"}
        s3fs.S3FileSystem().mkdir("crawl")
        yield "s3://crawl"
    finally:
        os.environ.clear()
        os.environ.update(before)
        server.stdin.close()
        server.wait()
        server.stdout.close()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")        # of the client
@pytest.mark.parametrize("workers", [1, 2])
def test_s3(workers, bucket, tmp_path):
    import s3fs
    store = s3fs.S3FileSystem()
    for name, data in (("a.warc.gz", archive().data), ("b.jsonl", LINES), ("c.parquet", MAKE["a.parquet"](tmp_path / "c").read_bytes()),
                       ("d.wacz", MAKE["a.wacz"](tmp_path / "d").read_bytes())):
        store.pipe_file(f"crawl/{name}", data)
    code, out = run(f"{bucket}/a.warc.gz", f"{bucket}/*", "-o", tmp_path / "run", "--kept", tmp_path / "k", "--dropped", tmp_path / "d2",
                    "--workers", workers)
    assert code == 0, out
    assert decided(tmp_path / "run") == VERDICTS
    assert len(list(rows(tmp_path / "run"))) == 4 * len(PAGES) + 2
    assert CliRunner().invoke(main, ["replay", str(tmp_path / "run")]).exit_code == 0
    assert {p.name for p in (tmp_path / "k").iterdir()} == {"a.warc.gz", "b.jsonl", "c.parquet", "d.wacz.warc.gz"}
    assert CliRunner().invoke(main, ["sites", f"{bucket}/a.warc.gz", "-o", str(tmp_path / "sites.parquet")]).exit_code == 0
