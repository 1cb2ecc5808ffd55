"""How a browser gets from one user's session to the next: sessions that begin without a token, and who may start a switch."""
