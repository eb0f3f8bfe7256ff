"""Session descriptions (RFC 8866), cut to what aiortc accepts."""

import re
from collections.abc import Callable, Sequence

from ..errors import DescriptionError
from ..frames.frame import Kind

_BUNDLE = "a=group:BUNDLE "
_DIRECTION = re.compile(r"a=(sendrecv|sendonly|recvonly|inactive)\s*$")
_RTPMAP = re.compile(r"a=rtpmap:(\d+) ([^/\s]+)/")
_FORMAT = re.compile(r"a=(?:rtpmap|fmtp|rtcp-fb):(\d+) ")
_REPAIRS = re.compile(r"a=fmtp:(\d+) (?:.*; *)?apt=(\d+)\s*(?:;|$)")
_TRANSPORT = ("a=ice-", "a=candidate:", "a=end-of-candidates", "a=fingerprint:", "a=setup:")


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
        """Its identification tag (RFC 5888); empty if it has none."""
        return self.attribute("mid") or ""

    @property
    def credentials(self) -> tuple[str, str] | None:
        """ICE's ufrag and pwd (RFC 8839 §5.4), if it has both."""
        ufrag, pwd = self.attribute("ice-ufrag"), self.attribute("ice-pwd")
        return (ufrag, pwd) if ufrag and pwd else None

    @property
    def candidates(self) -> list[str]:
        """Its candidate-attributes (RFC 8839 §5.1), each without "candidate:"."""
        return [line[12:] for line in self.lines if line.startswith("a=candidate:")]

    @property
    def codecs(self) -> list[str]:
        """The RTP encoding names of its formats, in their order, the preferred one first.

        PCMU and PCMA may go without a name (RFC 3551 §6).
        """
        return list(self._names().values())

    @property
    def repairs(self) -> dict[int, int]:
        """SSRC of retransmissions → SSRC of what they repeat (FID, RFC 5576 §4.2, RFC 4588 §8)."""
        groups = (line[17:].split() for line in self.lines if line.startswith("a=ssrc-group:FID "))
        return {
            int(group[1]): int(group[0])
            for group in groups
            if len(group) == 2 and all(one.isascii() and one.isdigit() for one in group)
        }

    @property
    def rejected(self) -> bool:
        """Whether its port is 0 (RFC 3264 §6)."""
        fields = self.lines[0].split()
        return len(fields) > 1 and fields[1] == "0"

    def attribute(self, name: str) -> str | None:
        """Return the first value of an attribute; None if there is none."""
        begin = f"a={name}:"
        return next(
            (line[len(begin) :].strip() for line in self.lines if line.startswith(begin)), None
        )

    def keep_codec(self, name: str) -> bool:
        """Remove the formats of all other codecs, but keep what repairs this one (RFC 4588).

        Args:
            name: Its RTP encoding name, in any case.

        Returns:
            False, and nothing is removed, if it is not among them.
        """
        kept = {number for number, each in self._names().items() if each.lower() == name.lower()}
        if not kept:
            return False
        repairs = (_REPAIRS.match(line) for line in self.lines)
        kept |= {found[1] for found in repairs if found is not None and found[2] in kept}
        head, formats = self.lines[0].split()[:3], self.lines[0].split()[3:]
        lines = [" ".join([*head, *(each for each in formats if each in kept)])]
        for line in self.lines[1:]:
            found = _FORMAT.match(line)
            if found is None or found[1] in kept:
                lines.append(line)
        self.lines = lines
        return True

    def refuse(self) -> None:
        """Set its port to 0 (RFC 3264 §6)."""
        fields = self.lines[0].split(" ")
        fields[1] = "0"
        self.lines[0] = " ".join(fields)

    def _names(self) -> dict[str, str]:
        """Give the RTP encoding names by their payload types, in the order of the m-line."""
        names = {"0": "PCMU", "8": "PCMA"}
        for line in self.lines:
            found = _RTPMAP.match(line)
            if found is not None:
                names[found[1]] = found[2]
        return {each: names[each] for each in self.lines[0].split()[3:] if each in names}

    def set_up(self, setup: str) -> None:
        """Set who begins the DTLS handshake (RFC 5763 §5).

        Args:
            setup: "active", "passive" or "actpass".
        """
        self.lines = [
            f"a=setup:{setup}" if line.startswith("a=setup:") else line for line in self.lines
        ]

    def stub(self, like: "Section") -> "Section":
        """Return a stub for this section, to keep its place while it carries nothing.

        Its port is 0 and it has another section's transport. aiortc knows no refused sections, and
        treats the stub as bundled with that one.

        Args:
            like: The section whose transport it gets.
        """
        fields = self.lines[0].split(" ")
        fields[1] = "0"
        body = [
            line
            for line in self.lines[1:]
            if not line.startswith(_TRANSPORT) and not _DIRECTION.match(line)
        ]
        transport = [
            line for line in like.lines if line.startswith(_TRANSPORT) and "candidate" not in line
        ]
        return Section([" ".join(fields), *body, "a=inactive", *transport])

    def refusal(self) -> "Section":
        """Return the section that refuses this one (RFC 3264 §6: port 0)."""
        fields = self.lines[0].split(" ")
        fields[1] = "0"
        lines = [" ".join(fields), "c=IN IP4 0.0.0.0", "a=inactive"]
        return Section([*lines, f"a=mid:{self.mid}"] if self.mid else lines)


class SessionDescription:
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
        """Remove candidates.

        Args:
            keep: Called with each candidate-attribute (RFC 8839 §5.1); says whether to keep it.
        """
        for section in self.sections:
            section.lines = [
                line
                for line in section.lines
                if not line.startswith("a=candidate:") or keep(line[2:])
            ]

    def remove(self, indexes: set[int]) -> None:
        """Remove sections, also from the bundle.

        Args:
            indexes: Their places.
        """
        mids = {self.sections[index].mid for index in indexes}
        self.sections = [s for i, s in enumerate(self.sections) if i not in indexes]
        self.bundle = [mid for mid in self.bundle if mid not in mids]

    @property
    def bundle(self) -> list[str]:
        """The mids of the bundle (RFC 8843), its first one first; empty if there is none."""
        line = next((line for line in self.session if line.startswith(_BUNDLE)), _BUNDLE)
        return line[len(_BUNDLE) :].split()

    @bundle.setter
    def bundle(self, mids: list[str]) -> None:
        self.session = [line for line in self.session if not line.startswith(_BUNDLE)]
        if mids:
            self.session.append(_BUNDLE + " ".join(mids))

    def mids(self) -> list[str]:
        """Return the mids of its sections, in order."""
        return [section.mid for section in self.sections]

    def find(self, mid: str) -> Section | None:
        """Return the section with a mid; None if there is none."""
        return next((section for section in self.sections if section.mid == mid), None)

    def fit(self, mids: Sequence[str], templates: "SessionDescription") -> None:
        """Put the sections that both sides have seen before into their order (RFC 8829 §5.2.2).

        A stub replaces each that is missing or refused. New sections follow.

        Args:
            mids: The sections seen, in order.
            templates: Has a section for each of them.

        Raises:
            DescriptionError: Every section is refused.
        """
        there = {section.mid: section for section in self.sections if not section.rejected}
        first = next(iter([*(mid for mid in self.bundle if mid in there), *there]), None)
        if first is None:
            raise DescriptionError("The peer's description has no section that is not refused.")
        sections, stubs = [], []
        for mid in mids:
            template = self.find(mid) or templates.find(mid)
            if mid in there:
                sections.append(there[mid])
            elif template is not None:
                # Ours has codecs that aiortc takes; the peer's may be bare.
                sections.append((templates.find(mid) or template).stub(there[first]))
                stubs.append(mid)
        sections += [section for mid, section in there.items() if mid not in mids]
        if stubs:
            self.bundle = [*([m for m in self.bundle if m in there] or [first]), *stubs]
        self.sections = sections
