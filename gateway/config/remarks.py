"""What is said about one key of a configuration.

Owns the value. Must never know where the key stands in the file: `problems` does.
"""

from dataclasses import dataclass

from gateway.config.places import Path


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about one key: a sentence with its remedy."""

    path: Path
    text: str
