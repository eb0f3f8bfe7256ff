"""Files: what was sent and received in a call, written so that a kill leaves them playable."""
