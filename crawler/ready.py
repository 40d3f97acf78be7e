"""What workers load and compile at their first pages, done by importing this: for the process that they are forked from.

**Facts**
- Readers load libraries and compile patterns when a page needs them. The examples of a policy need them all (tested).
- What was made here is kept from the collector of garbage, which else would write to it, and so copy it, in every worker.
"""
from __future__ import annotations

import gc

import pyarrow as pa

from rules import Access, Asker, Asset, Carrier, Evidence, find, policies
from rules.proof import run_examples

from . import crew as crew  # what a worker runs, and all that it imports

POLICY = "eu-dsm-art4"               # whose examples have every carrier

run_examples(policies.load(POLICY))
find([Evidence(Carrier.BODY, "", None, Access.OBTAINED, b"no page")], Asset(""), Asker("any"))
pa.array([0])                        # looks for pandas, which takes as long as 100 pages, if it is there
gc.freeze()
