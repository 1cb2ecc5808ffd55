"""The gateway's rules as pure functions: values and the time go in, values come out.

Must never wait, and must never ask a clock, a socket, a file or chance. It may import ``gateway.core`` and nothing else of the gateway.
"""
