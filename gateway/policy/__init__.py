"""The rules: values and the time in, values out. No clock, socket, log or wait."""
