"""What everything rests on: specs and their identity, batches, random numbers, files, arithmetic."""
