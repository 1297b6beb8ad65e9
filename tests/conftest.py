"""Puts this folder on the import path, so that tests anywhere below it can import `contracts` and `golden`."""
