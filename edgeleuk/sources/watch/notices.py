"""What a watch has to say of files it leaves out: once for each, and not without end."""

from collections import Counter
from collections.abc import Callable

from edgeleuk.sources.watch.fingerprints import Fingerprints, fingerprint
from edgeleuk.text import printable

_AT_MOST = 50  # of one kind; a folder of ten thousand links must not fill the journal
_REMEMBERED = 4096


class Notices:
    """Sends lines to `report`, each about a path and a fact only once."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._told = Fingerprints(_REMEMBERED)
        self._counts: Counter[str] = Counter()

    def tell(self, path: str, what: str) -> None:
        """Report "path: what"."""
        self._report(f"{printable(path)}: {what}")

    def once(self, path: str, what: str) -> None:
        """Report "path: what" unless that was done, or fifty others were told the same."""
        number = fingerprint(path, what)
        if self._counts[what] >= _AT_MOST or number in self._told:
            return
        self._told.add(number)
        self._counts[what] += 1
        self.tell(path, what if self._counts[what] < _AT_MOST else f"{what} (further ones are not reported)")
