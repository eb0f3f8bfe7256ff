"""What can be played, how it is encoded once for all, and the timer that sends it."""
