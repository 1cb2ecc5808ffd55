"""Rules about Okta's sessions: which cookies can be one, whose session counts, and how much Okta may be asked."""
