"""What is measured in a network: Fisher information, relative source variance, usable information."""
