"""How packets find their way (RFC 8445): sockets, addresses, STUN and TURN servers."""
