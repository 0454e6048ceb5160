"""Thumbnails of uploaded pictures, decoded in a process of its own whose memory and time are bounded."""
