"""How the image is made: what is installed, and what of it stays."""
