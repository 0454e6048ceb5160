"""The BLIP-2 models in the modules where LAVIS has them."""
