"""What was found wrong in a data folder, and what can be done about it."""

from dataclasses import dataclass
from pathlib import Path

from sightline.server.runtime.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing in the folder that is not as it should be."""

    path: Path
    problem: str
    """What is wrong with it, as the end of a sentence: `is empty`."""
    remedy: str
    """What was done, or is to be done."""
    is_mended: bool = False

    @property
    def sentence(self) -> str:
        return f"{self.path} {self.problem}: {self.remedy}"


class FolderRefused(Unavailable):
    """The server does not start on this folder; a person has to act. The message names the file and the way out."""
