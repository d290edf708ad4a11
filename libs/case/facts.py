"""What a decision may look at besides its own stream: the case as the log shows it, and the directory. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from libs.case.state import Case
from libs.directory.facts.directory import Directory, NotThereYet
from libs.directory.facts.view import View
from libs.events.errors import NotFound


@dataclass(frozen=True)
class Facts:
    """The case in this service's read model (None: not heard of), and the directory at one version."""

    case: Case | None
    directory: View
    history: Directory | None = None

    @property
    def directory_version(self) -> int:
        """The lane-64 sequence number that this decision has applied."""
        return self.directory.version

    def at(self, version: int) -> View:
        """The directory at a version that an event of the log pins; raises `NotThereYet` where it is not known."""
        if version == self.directory.version:
            return self.directory
        if self.history is None:
            raise NotThereYet(version, self.directory.version)
        return self.history.at(version)

    def known_case(self) -> Case:
        """The case in the read model; raises `NotFound`."""
        if self.case is None:
            raise NotFound()
        return self.case
