"""Makes a release of what git tracks: `make release`."""
