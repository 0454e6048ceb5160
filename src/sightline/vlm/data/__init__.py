"""Data: where images come from, what encoders see of them, augmentation, and the scenes of the tiny world."""
