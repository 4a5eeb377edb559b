"""Synthetic client books of any size, and the sample files every new project starts with."""
