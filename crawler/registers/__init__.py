"""Registers that an operator supplies: licences, do-not-train lists, infringing sources, markets, repertoires, the public domain."""
