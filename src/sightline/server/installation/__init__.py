"""What lies in an installation's folder: looked at before every start, listed and mended by `sightline doctor`."""
