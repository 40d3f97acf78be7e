"""The way of somebody new, by the commands of the README alone: audit, declare, mend, audit again, all green. On a real nginx."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from .webserver import free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
CONFIGURATION = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log {folder}/access.log; types {{ text/html html; text/plain txt; application/json json; image/jpeg jpg; application/xml xml; }}
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3; uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  server {{
    listen 127.0.0.1:{port}; root {folder}/web;
    location ~ /\\. {{ deny all; }}
    location /img/ {{ add_header Cache-Control max-age=600; {images} }}
    {server}
  }}
}}
"""


@contextmanager
def nginx(folder: Path, port: int, server: str = "", images: str = "") -> Iterator[str]:
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        assert os.environ.get("CI") != "true", "nginx is missing"
        pytest.skip("needs nginx: apt-get install nginx-light")
    (folder / "nginx.conf").write_text(CONFIGURATION.format(folder=folder, port=port, server=server, images=images))
    with subprocess.Popen([program, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]) as running:
        url = f"http://127.0.0.1:{port}"
        for _ in range(100):
            try:
                urllib.request.urlopen(url).close()
                break
            except urllib.error.URLError:
                time.sleep(0.05)
        try:
            yield url
        finally:
            running.terminate()


def maymine(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "crawler.cli", *words], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def audited(url: str, report: Path) -> tuple[int, dict[str, Any]]:
    done = maymine("audit", url, "--allow-private", "-o", str(report))
    assert done.returncode in (0, 1), done.stderr
    value = json.loads(maymine("report", "--from", str(report), "--format", "json").stdout)
    return done.returncode, value


def test_audit_declare_mend_and_audit_again_all_green(tmp_path):
    web, port = tmp_path / "web", free_port()
    (web / "img").mkdir(parents=True)
    for n in range(6):
        Image.effect_noise((64, 48), 40 + n).convert("RGB").save(web / f"img/{n}.jpg")
        (web / f"{n}.html").write_text(f"<!doctype html><html lang=en><head><title>Plate {n}</title></head><body><img src=/img/{n}.jpg alt=x></body></html>")
    links = "".join(f"<a href=/{n}.html>{n}</a>" for n in range(6))
    (web / "index.html").write_text(f"<!doctype html><html lang=en><head><title>Ana</title></head><body>{links}</body></html>")
    with nginx(tmp_path, port) as url:
        code, first = audited(url, tmp_path / "first.html")
    assert code == 1
    assert [f["id"] for f in first["findings"] if f["fix"]] == ["OO202", "OO001"]        # dot files are hidden, and nothing is said
    assert first["host"] == "nginx"

    # What the report tells to do
    kit = tmp_path / "kit"
    done = maymine("declare", "--for", "nginx", "--origin", url, "--stance", "search-only", "-o", str(kit))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "snippets" in done.stdout
    shutil.copytree(kit, web, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.conf", "STEPS.md", "declared.json"))
    (tmp_path / "snippets").mkdir()
    for snippet in kit.glob("*.conf"):
        shutil.copy(snippet, tmp_path / "snippets")
    done = maymine("tag", str(web / "img"), "--value", "no-ai-training", "--yes", "--undo-list", str(tmp_path / "undo.jsonl"))
    assert done.returncode == 0, done.stderr
    with nginx(tmp_path, port, server="include snippets/maymine-server.conf;", images="") as url:
        code, second = audited(url, tmp_path / "second.html")
    assert [f["id"] for f in second["findings"] if f["fix"]] == ["OO302"]                # one step was left out: the pictures' own block
    assert code == 1
    with nginx(tmp_path, port, server="include snippets/maymine-server.conf;", images="include snippets/maymine-headers.conf;") as url:
        code, third = audited(url, tmp_path / "third.html")
    assert [f["id"] for f in third["findings"] if f["fix"]] == []
    assert code == 0
    assert third["tagged"] == third["pictures"] == 6
    assert third["reached"] == third["known"]
