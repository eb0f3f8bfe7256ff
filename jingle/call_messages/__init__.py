"""What is said around a session: call messages (XEP-0353) and invites (XEP-0482)."""
