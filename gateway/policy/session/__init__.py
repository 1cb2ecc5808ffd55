"""The rules about sessions, passes and browsers: values and the time in, values out."""
