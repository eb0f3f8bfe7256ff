"""SDP: one reader and one writer."""
