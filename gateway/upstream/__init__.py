"""The rooms that carry bytes between a client and a server behind the gateway; they decide nothing about sessions."""
