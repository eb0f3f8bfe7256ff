"""Received video, from packets to whole frames. Sans-I/O: no clock, no socket, no loop."""
