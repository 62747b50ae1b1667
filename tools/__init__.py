"""Benchmarks, fuzzing, load, pictures, and releases."""
