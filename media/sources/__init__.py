"""What can be played, how it is encoded once for all legs, and the timer that sends it."""
