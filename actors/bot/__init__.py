"""What a bot's own code runs in, so that whatever it does stays with it."""
