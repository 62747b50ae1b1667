"""An API deployment, and the tokens that it accepts."""
