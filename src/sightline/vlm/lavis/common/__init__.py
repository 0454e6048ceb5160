"""What LAVIS keeps in `lavis.common`."""
