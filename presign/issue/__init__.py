"""Issues: from a grant to the URL. One module for each way to give access."""
