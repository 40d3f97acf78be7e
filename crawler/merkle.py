"""A Merkle tree over records: one digest that stands for all of them, and proofs that a record is among them, and where.

**Facts** (RFC 6962, 2.1: https://www.rfc-editor.org/rfc/rfc6962#section-2.1)
- A leaf is SHA-256 of 0x00 and the data; a node of 0x01 and its two children. A tree of n leaves splits at the largest power
  of two below n. So no leaf can be taken for a node, and nothing is counted twice.
- 2.1.1: the proof of a leaf are the digests beside its way to the root. RFC 9162, 2.1.3.2 says how it is checked, and that the
  place and the number of leaves are part of it.
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256


def leaf(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


class Tree:
    """All levels of a tree over the digests of leaves, in one row of bytes each."""

    def __init__(self, leaves: Iterable[bytes]):
        level = b"".join(leaves)
        self.size = len(level) // 32
        self._levels = [level]
        while len(level) > 32:
            pairs = (sha256(b"\x01" + level[at:at + 64]).digest() if len(level) - at >= 64 else level[at:at + 32]
                     for at in range(0, len(level), 64))
            level = b"".join(pairs)
            self._levels.append(level)

    @property
    def root(self) -> bytes:
        """Of no leaves: SHA-256 of nothing."""
        return self._levels[-1] or sha256(b"").digest()

    def proof(self, place: int) -> list[bytes]:
        """The digests beside the way from a leaf to the root, from below."""
        out = []
        for level in self._levels[:-1]:
            beside = (place ^ 1) * 32
            if beside < len(level):
                out.append(level[beside:beside + 32])
            place //= 2
        return out


def root_of(leaf_digest: bytes, place: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root that a proof leads to; None where it cannot be one of a tree of that size."""
    if not 0 <= place < size:
        return None
    digest, last, rest = leaf_digest, size - 1, list(proof)
    while last:
        if place % 2 or place < last:                # there is one beside it
            if not rest:
                return None
            beside = rest.pop(0)
            digest = sha256(b"\x01" + (beside + digest if place % 2 else digest + beside)).digest()
        place, last = place // 2, last // 2
    return digest if not rest else None
