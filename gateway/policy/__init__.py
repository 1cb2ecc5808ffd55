"""Every decision of the gateway, as pure functions: values and the time (``now``) go in, values come out.

Nothing here reads a clock, a socket or a file, writes a log line, uses randomness or awaits. To know what the gateway decides, read this
package. The other packages wait, move bytes and render pages. This package imports nothing from them.
"""
