"""The verbs of the command line, one file each; `command` is the click command in it.

**Facts**
- Standard output carries the result and nothing else; progress and warnings go to standard error.
- Importing a verb imports click and nothing heavier: what the work needs is imported where the work is done.
"""
from __future__ import annotations

# Exit codes, the same for every verb.
CLEAN = 0          # done; where verdicts were asked for, none of them is prohibited or undetermined
FINDINGS = 1       # something is prohibited, or a check found faults
USAGE = 2          # the command line, or a file that it names, is not as it must be
UNDECIDED = 3      # nothing is prohibited, but something could not be read, so nobody can decide
SIGNALLED = 128    # and the number of the signal that stopped it, as shells count: 130 is Ctrl-C
