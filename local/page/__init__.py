"""The web page of `make run`, which uploads and downloads."""
