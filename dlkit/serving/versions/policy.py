"""Which of the versions on the disk are served: TensorFlow Serving's version policies."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class VersionPolicy:
    """The latest versions, all of them, or those that are named.

    Args:
        kind: `latest`, `all` or `specific`.
        count: How many of the highest versions `latest` serves; 0 counts as 1, as with TensorFlow
            Serving.
        versions: The numbers that `specific` serves.

    Example:
        >>> VersionPolicy(count=2).select([1, 3, 2])
        [2, 3]
    """

    kind: str = "latest"
    count: int = 1
    versions: tuple[int, ...] = ()

    def select(self, found: Iterable[int]) -> list[int]:
        """Return the numbers out of `found` that are to be served, in ascending order."""
        known = sorted(found)
        if self.kind == "all":
            return known
        if self.kind == "specific":
            return [number for number in known if number in self.versions]
        return known[-max(1, self.count) :]

    def missing(self, found: Iterable[int]) -> list[int]:
        """Return the numbers that are asked for by name and are not in `found`."""
        return sorted(set(self.versions).difference(found)) if self.kind == "specific" else []
