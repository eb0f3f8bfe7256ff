"""What monitoring asks for over HTTP: a small server, and metrics as text for Prometheus."""
