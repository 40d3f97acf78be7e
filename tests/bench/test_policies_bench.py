"""What it costs to read, prove and try each policy that ships, in CPU time: under 300 ms, where a process needs one or two."""
from __future__ import annotations

from time import process_time

import pytest

from rules import load_policy, policies
from rules.data import read
from rules.policy import domain
from rules.proof import run_examples

PROOF_MS = 300
ROUNDS = 3


@pytest.mark.bench
def test_the_proof_of_each_policy(capsys):
    load_policy(read("policies/strictest.yaml"), "warm.yaml")        # words and tables are read once a process
    rows = []
    for name in policies.names():
        text = read(f"policies/{name}.yaml")
        proved, tried = [], []
        for _ in range(ROUNDS):
            began = process_time()
            policy = load_policy(text, f"{name}.yaml")
            proved.append(process_time() - began)
            began = process_time()
            assert run_examples(policy) == []
            tried.append(process_time() - began)
        rows.append((name, len(policy.rules), len(policy.examples), min(proved) * 1000, min(tried) * 1000))
    with capsys.disabled():
        print(f"\n{len(set(domain()))} kinds of finding\n{'policy':<22}{'rows':>5}{'examples':>9}{'proof ms':>10}{'examples ms':>12}")
        for row in rows:
            print("{:<22}{:>5}{:>9}{:>10.1f}{:>12.1f}".format(*row))
    assert max(row[3] for row in rows) < PROOF_MS
