"""Decoding: greedy, beams, sampling, and where the model looked for each word."""
