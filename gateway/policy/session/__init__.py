"""What is remembered of a browser and its session."""
