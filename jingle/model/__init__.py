"""The typed model of a session between SDP and XML: contents, codecs, candidates, sources."""
