"""Stable Diffusion 1.x and 2.x checkpoints in the package's own classes."""
