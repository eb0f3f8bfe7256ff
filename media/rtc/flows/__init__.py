"""The usual packets of RTP streams, taken and sent by a compiled part where there is one."""
