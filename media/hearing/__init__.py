"""What a leg hears, decoded for those who listen, and only while they do."""
