"""Encoding and decoding, one frame at a time, away from the event loop."""
