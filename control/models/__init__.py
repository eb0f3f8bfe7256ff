"""What goes over the control socket, and over HTTP: commands and their answers."""
