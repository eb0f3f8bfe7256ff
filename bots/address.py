"""Addresses, as a bot sees them."""


class Address(str):
    """An XMPP address (RFC 7622) in the form in which addresses are compared.

    It is text, and can be used as such. Two devices of one account differ in `resource` alone, so
    compare `bare` to tell people apart.
    """

    __slots__ = ()

    @property
    def bare(self) -> "Address":
        """The address without its resource, as alice@example.org."""
        return Address(self.partition("/")[0])

    @property
    def local(self) -> str:
        """What is before the @; empty for a server's address."""
        local, at, _ = self.bare.partition("@")
        return local if at else ""

    @property
    def domain(self) -> str:
        """The server."""
        return self.bare.rpartition("@")[2]

    @property
    def resource(self) -> str:
        """Which of the account's devices it is; empty for a bare address."""
        return self.partition("/")[2]
