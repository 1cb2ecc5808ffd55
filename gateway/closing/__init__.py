"""Ends old sessions at Okta and proves it; tries again what failed; remembers over a restart what is not proven yet.

Must never say that a session is gone without proof.
"""
