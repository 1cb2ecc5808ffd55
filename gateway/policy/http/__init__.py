"""Rules about messages and connections: what is kept for them, and for how long."""
