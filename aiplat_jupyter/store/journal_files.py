"""The folder of journals: ``{uid}.journal``, and ``{uid}.lock`` that its process holds while it lives."""

from pathlib import Path


class JournalFiles:
    """Journals of this machine, by uid."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
