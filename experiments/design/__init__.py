"""What a figure is made of: protocol, arms, numbers of a profile."""
