"""One party's description of a session: what SDP and Jingle have in common."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from .content import Content
from .replace import replace
from .transport import IceTransport


class Group(Struct, frozen=True):
    """Contents that belong together, such as those of one bundle (RFC 5888, XEP-0338)."""

    semantics: str
    names: tuple[str, ...]


class Description(Struct, frozen=True):
    """The contents of a session and how they belong together, in the order of SDP's m-lines."""

    contents: tuple[Content, ...] = ()
    groups: tuple[Group, ...] = ()

    def find(self, name: str) -> Content | None:
        """Return the content of that name."""
        return next((each for each in self.contents if each.name == name), None)

    def names(self) -> tuple[str, ...]:
        """Return the names of the contents, in order."""
        return tuple(each.name for each in self.contents)

    @property
    def bundle(self) -> tuple[str, ...]:
        """The names of the contents that share one transport, empty without a bundle."""
        return next((each.names for each in self.groups if each.semantics == "BUNDLE"), ())

    def with_contents(self, contents: Iterable[Content]) -> "Description":
        """Return the same with other contents; groups keep only those that are there."""
        contents = tuple(contents)
        names = {each.name for each in contents}
        groups = (
            Group(each.semantics, tuple(name for name in each.names if name in names))
            for each in self.groups
        )
        return Description(contents, tuple(each for each in groups if each.names))

    def with_content(self, content: Content) -> "Description":
        """Return the same with one content replaced, or added at the end."""
        if self.find(content.name) is None:
            return self.with_contents((*self.contents, content))
        return self.with_contents(
            content if each.name == content.name else each for each in self.contents
        )

    def renamed(self, names: Mapping[str, str]) -> "Description":
        """Return the same with other names for the contents; names that are not mapped stay."""
        if all(before == after for before, after in names.items()):
            return self
        return Description(
            tuple(replace(each, name=names.get(each.name, each.name)) for each in self.contents),
            tuple(
                Group(each.semantics, tuple(names.get(name, name) for name in each.names))
                for each in self.groups
            ),
        )

    def with_shared_transport(self) -> "Description":
        """The same with what a bundle's contents leave out taken from the first that says it.

        In a bundle only the first content need say it (RFC 8843 §7.1.3).
        """
        bundle = self.bundle
        shared = next(
            (
                each.transport
                for name in bundle
                if (each := self.find(name)) is not None
                and isinstance(each.transport, IceTransport)
                and each.transport.has_credentials
            ),
            None,
        )
        if shared is None:
            return self
        contents = []
        for each in self.contents:
            own = each.transport
            if each.name in bundle and isinstance(own, IceTransport):
                if not own.has_credentials:
                    own = replace(own, ufrag=shared.ufrag, pwd=shared.pwd)
                if not own.fingerprints:
                    own = replace(own, fingerprints=shared.fingerprints, setup=shared.setup)
            contents.append(each if own is each.transport else replace(each, transport=own))
        return replace(self, contents=tuple(contents))
