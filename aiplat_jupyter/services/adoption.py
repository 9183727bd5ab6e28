"""Adoption: journals of this machine whose process is gone are committed to their end, and their attempts closed."""

from typing import Self

from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.services.journals import Journals
from aiplat_jupyter.services.kernels import Kernels
from aiplat_jupyter.store.journal_files import JournalFiles


class Adoption:
    """Looks through the journal folder about once a second. An async context manager: started and stopped.

    Parameters
    ----------
    who : in whose name the journals of this machine are committed: the local account.
    keep_days : how long a journal file stays after it was closed.
    """

    def __init__(
        self, journals: Journals, files: JournalFiles, kernels: Kernels, who: Identity, *, keep_days: float = 7.0
    ) -> None:
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        raise NotImplementedError

    async def __aexit__(self, *exc: object) -> None:
        raise NotImplementedError

    async def round(self) -> None:
        """Look once, and adopt what is found."""
        raise NotImplementedError
