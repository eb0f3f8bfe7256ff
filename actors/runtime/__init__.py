"""Pykka on asyncio: actors, refs, futures, tasks, supervision. No XMPP here, and no calls."""
