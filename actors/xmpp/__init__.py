"""One XMPP stream and what is said on it: login, roster, presence, capabilities, services."""
