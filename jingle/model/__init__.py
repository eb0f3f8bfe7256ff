"""What both parties say of a session, typed: contents, codecs, candidates, sources."""
