"""Session descriptions, cut to what aiortc can take (RFC 8866)."""

import re
from collections.abc import Callable

from .frame import Kind

_BUNDLE = "a=group:BUNDLE "
_DIRECTION = re.compile(r"a=(sendrecv|sendonly|recvonly|inactive)\s*$")


class Section:
    """One media section of a session description.

    Attributes:
        lines: Its lines without line ends, the m-line first.
    """

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    @property
    def kind(self) -> str:
        """The media of the m-line: "audio", "video", "application"."""
        return self.lines[0][2:].split(" ", 1)[0]

    @property
    def media_kind(self) -> Kind | None:
        """The kind, if it is audio or video."""
        if self.kind == "audio":
            return "audio"
        return "video" if self.kind == "video" else None

    @property
    def mid(self) -> str:
        """Its identification (RFC 5888); empty if it has none."""
        return next((line[6:].strip() for line in self.lines if line.startswith("a=mid:")), "")

    @property
    def rejected(self) -> bool:
        """Whether its port is 0 (RFC 3264 §6)."""
        fields = self.lines[0].split()
        return len(fields) > 1 and fields[1] == "0"

    def silence(self) -> None:
        """Make it inactive."""
        self.lines = [line for line in self.lines if not _DIRECTION.match(line)] + ["a=inactive"]

    def refusal(self) -> "Section":
        """Give the section that refuses this one (RFC 3264 §6: port 0)."""
        fields = self.lines[0].split(" ")
        fields[1] = "0"
        lines = [" ".join(fields), "c=IN IP4 0.0.0.0", "a=inactive"]
        return Section([*lines, f"a=mid:{self.mid}"] if self.mid else lines)


class Description:
    """A session description in its sections.

    Attributes:
        session: The lines before the first media section.
        sections: The media sections.
    """

    def __init__(self, sdp: str) -> None:
        """Split a description.

        Args:
            sdp: The text, with any line ends.
        """
        self.session: list[str] = []
        self.sections: list[Section] = []
        for line in sdp.splitlines():
            if line.startswith("m="):
                self.sections.append(Section([line]))
            elif self.sections:
                self.sections[-1].lines.append(line)
            else:
                self.session.append(line)

    def __str__(self) -> str:
        lines = [*self.session, *(line for section in self.sections for line in section.lines)]
        return "\r\n".join(lines) + "\r\n"

    def filter(self, keep: Callable[[str], bool]) -> None:
        """Leave out candidates.

        Args:
            keep: Tells of a candidate-attribute (RFC 8839 §5.1) whether to keep it.
        """
        for section in self.sections:
            section.lines = [
                line
                for line in section.lines
                if not line.startswith("a=candidate:") or keep(line[2:])
            ]

    def remove(self, indexes: set[int]) -> None:
        """Leave out sections, in the bundle too.

        Args:
            indexes: Their places.
        """
        mids = {self.sections[index].mid for index in indexes}
        self.sections = [s for i, s in enumerate(self.sections) if i not in indexes]
        self.session = [
            _BUNDLE + " ".join(mid for mid in line[len(_BUNDLE) :].split() if mid not in mids)
            if line.startswith(_BUNDLE)
            else line
            for line in self.session
        ]
