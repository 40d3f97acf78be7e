"""Whether the C2PA manifest of a file is valid, and who signed it: c2pa-python (the extra `c2pa`) in a process of its own.

Facts (https://opensource.contentauthenticity.org/docs/c2pa-python/; c2pa-rs 0.91, settings)
- `Valid`: hashes and signature hold. `Trusted`: and the certificate leads to an anchor that was given. `Invalid`: else.
- By default the library fetches manifests that a file names, and asks the hosts of identities, so that a file decides whom
  this machine talks to, and the answer hangs on the network. OURS: the settings below open no socket.
- OURS: hostile files are met by native code here; the process has a limit of time and one of memory, and one file each.
Nothing here is a finding: restrictions count without it (rules/signals/c2pa.py).
"""
from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from typing import Any

TIMEOUT_S = 30
MEMORY_BYTES = 4 << 30               # of addresses; far more than a file that is kept needs
OFFLINE: dict[str, Any] = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    "core": {"decode_identity_assertions": False, "allowed_network_hosts": []},
}


class State(Enum):
    """What validation came to."""
    TRUSTED = "trusted"
    VALID = "valid"                  # by a signer whom nobody here vouches for
    INVALID = "invalid"
    NONE = "none"                    # no manifest in the file
    REMOTE = "remote"                # the manifest stands elsewhere and was not fetched
    UNREAD = "unread"                # not a format that is read, damaged, or not done in time


@dataclass(frozen=True, slots=True)
class Validation:
    state: State
    signer: str = ""                 # common name and organisation in the certificate, as it says
    codes: tuple[str, ...] = ()      # of what failed, as in C2PA 2.2, 15.2; or why nothing was validated


def is_installed() -> bool:
    return find_spec("c2pa") is not None


def validate(body: bytes, media_type: str, *, anchors: str = "", timeout_s: float = TIMEOUT_S) -> Validation:
    """Validate the active manifest. `anchors`: certificates that are trusted, PEM. Raises nothing but ModuleNotFoundError."""
    if not is_installed():
        raise ModuleNotFoundError("c2pa-python is not installed: pip install 'maymine[c2pa]'")
    told = json.dumps({"media_type": media_type, "anchors": anchors, "timeout_s": timeout_s}).encode()
    try:
        done = subprocess.run([sys.executable, "-I", __file__], input=told + b"\n" + body, capture_output=True, check=False,  # noqa: S603, our own file
                              timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return Validation(State.UNREAD, codes=(f"not done in {timeout_s:g} s",))
    try:
        answer = json.loads(done.stdout)
        return Validation(State(answer["state"]), answer["signer"], tuple(answer["codes"]))
    except (ValueError, KeyError, TypeError):
        return Validation(State.UNREAD, codes=(f"the process ended with {done.returncode}",))


def _main() -> None:
    """The process: what to do in the first line of its input, then the file."""
    line, _, body = sys.stdin.buffer.read().partition(b"\n")
    told = json.loads(line)
    _limit(int(told["timeout_s"]) + 1)
    state, signer, codes = _validated(body, told["media_type"], told["anchors"])
    sys.stdout.write(json.dumps({"state": state.value, "signer": signer, "codes": codes}))


def _limit(seconds: int) -> None:
    try:
        import resource
    except ImportError:              # not on Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def _validated(body: bytes, media_type: str, anchors: str) -> tuple[State, str, list[str]]:
    from c2pa import C2paError, Context, Reader
    trust = {"trust": {"trust_anchors": anchors}} if anchors else {}
    try:
        with Context.from_dict({**OFFLINE, **trust}) as context, \
                Reader(media_type, io.BytesIO(body), context=context) as reader:
            told = json.loads(reader.json())
            state = reader.get_validation_state() or ""
    except C2paError as error:
        if isinstance(error, C2paError.ManifestNotFound):
            return State.NONE, "", []
        remote = isinstance(error, C2paError.RemoteManifest) or "emote" in str(error)[:40]
        return State.REMOTE if remote else State.UNREAD, "", [str(error)[:300]]
    signature = told["manifests"].get(told.get("active_manifest"), {}).get("signature_info", {})
    signer = ", ".join(filter(None, (signature.get("common_name"), signature.get("issuer"))))
    codes = [status["code"] for status in told.get("validation_status", ())]
    return {s.value: s for s in State}.get(state.lower(), State.UNREAD), signer, sorted(set(codes))


if __name__ == "__main__":
    _main()
