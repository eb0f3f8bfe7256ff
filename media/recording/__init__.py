"""Recordings: files of what a call sent and received, playable even after a kill."""
