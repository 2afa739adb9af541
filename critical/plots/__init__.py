"""One style for every figure, and the drawings that figures share."""
