"""What is said before and beside a session: call messages (XEP-0353) and invites (XEP-0482)."""
