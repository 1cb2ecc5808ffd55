"""Rules about HTTP messages, and about the clients that send them."""
