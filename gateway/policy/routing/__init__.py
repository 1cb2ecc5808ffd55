"""Which app and which rule a request belongs to, and which of the app's servers gets it."""
