"""Load on the whole local system while parts of it fail: `python -m tools.load`."""
