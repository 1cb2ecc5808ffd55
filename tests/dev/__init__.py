"""The tests of the commands for development: the stand-in org, the demo, and both together."""
