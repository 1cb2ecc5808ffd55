"""The rules for a change of user: what a request to the org is, who may start a switch, and in which order a switch happens."""
