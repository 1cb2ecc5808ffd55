"""Rules about sessions and browsers: which cookies can be one, whose counts, and what is remembered of a browser."""
