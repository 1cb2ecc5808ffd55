"""What the gateway proves as an OpenID Connect client of the org: its own sessions, its questions, and what an answer means."""
