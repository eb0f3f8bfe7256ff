"""What a run leaves behind: a page, a summary, tables of samples, a JUnit file."""
