"""Load tests: plans, shards, measurements, thresholds, reports."""
