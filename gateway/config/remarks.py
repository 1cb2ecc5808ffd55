"""A sentence about one key of the configuration.

It does not know the key's place in the file: `problems` finds that.
"""

from dataclasses import dataclass

from gateway.config.places import Path


@dataclass(frozen=True, slots=True)
class Remark:
    """The key, and a sentence with its remedy."""

    path: Path
    text: str
