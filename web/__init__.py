"""The board: a running instance over HTTP, and as a page for people."""
