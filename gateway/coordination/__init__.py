"""What processes coordinate over the shared state: leases, sealed records, work that outlives its process, requests that are in flight.

Must never decide what a request gets.
"""
