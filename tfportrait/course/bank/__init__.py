"""Exercises, a module for each chapter."""
