"""How packets find their way: sockets, addresses, STUN and TURN servers (RFC 8445)."""
