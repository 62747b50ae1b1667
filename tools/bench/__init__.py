"""How fast and how small it is, against the others and against what can't be avoided: `make bench`."""
