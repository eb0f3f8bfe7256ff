"""One run of a plan: the shards, their accounts, the clock, the verdict."""
