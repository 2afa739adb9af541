"""What a run is and how it is trained: timeline, schedule, optimiser, augmentation, the one loop."""
