"""RTP out and in, one kind of media each, and how well it gets through (RFC 3550)."""
