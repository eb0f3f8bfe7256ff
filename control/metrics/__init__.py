"""What a running instance tells of itself over HTTP: metrics, whether it lives, and is ready."""
