"""Registers that an operator supplies: licences, do-not-train lists, infringing sources, repertoires, and the like."""
