"""What LAVIS keeps with its BLIP models and BLIP-2 uses, too."""
