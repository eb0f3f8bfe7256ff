"""What is measured, and how what all shards measured comes together."""
