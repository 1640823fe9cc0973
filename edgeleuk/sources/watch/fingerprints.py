"""A bounded memory of files: 64 bits for each, however long its name."""

import hashlib
import sys
from array import array

_FIRST_SLOTS = 1 << 10


def fingerprint(path: str, *facts: object) -> int:
    """64 bits of a path and what is known of it; even and not 0. Two files share one by chance once in 10^18 pairs."""
    text = f"{path}\0{facts}".encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), sys.byteorder) & ~1 or 2


class Fingerprints:
    """A set of numbers of 64 bits, 16 to 32 bytes each, which forgets what was not asked for longest.

    Two generations of at most `limit`: the younger one takes what is added or found; when it is full, it becomes the
    older one, and what was only in that is forgotten.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._young, self._old = _Table(), _Table()

    def __contains__(self, number: int) -> bool:
        if number in self._young:
            return True
        if number not in self._old:
            return False
        self.add(number)
        return True

    def add(self, number: int) -> None:
        """Remember a number, which is not 0."""
        if self._young.count >= self._limit:
            self.age()
        self._young.add(number)

    def age(self) -> None:
        """Make the younger generation the older one: what is not met until the next call is forgotten then."""
        self._old, self._young = self._young, _Table()


class _Table:
    """Open addressing with linear probing, at most half full; 0 marks a free slot."""

    def __init__(self) -> None:
        self.count = 0
        self._slots = array("Q", bytes(8 * _FIRST_SLOTS))

    def __contains__(self, number: int) -> bool:
        return self._slots[self._place(number)] == number

    def add(self, number: int) -> None:
        place = self._place(number)
        if self._slots[place] == number:
            return
        self._slots[place] = number
        self.count += 1
        if 2 * self.count > len(self._slots):
            self._grow()

    def _place(self, number: int) -> int:
        """The slot that holds the number, or the free one where it belongs."""
        slots, mask = self._slots, len(self._slots) - 1
        place = (number >> 1) & mask
        while slots[place] not in (0, number):
            place = (place + 1) & mask
        return place

    def _grow(self) -> None:
        before = self._slots
        self._slots = array("Q", bytes(16 * len(before)))
        for number in before:
            if number:
                self._slots[self._place(number)] = number
