"""The pictures of README and docs that show a run: `make pictures` draws them again."""
