"""What a load plan says: phases, rates, thresholds, and what they need of the machine."""
