"""Limits on what a peer's description may contain.

A browser with every codec and ten network interfaces stays below a quarter of each.
"""

CONTENTS = 16
CODECS = 128  # payload types are seven bits (RFC 3550 §5.1)
PARAMETERS = 64  # of one codec or source
FEEDBACK = 64  # of one codec or description
HEADER_EXTENSIONS = 64
SOURCES = 64
GROUPS = 16
FINGERPRINTS = 8
CANDIDATES = 256  # of one content and one generation of ICE, trickled ones included
INVITES = 16  # ways to join, of one XEP-0482 invite
SERVICES = 64  # of one server

ATTRIBUTE = 1024  # characters
IDENTIFIER = 256  # characters: session ids, content names, ICE credentials
TEXT = 1000  # characters: longer texts are cut, not refused
