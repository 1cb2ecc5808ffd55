"""What the gateway answers by itself under ``/.gateway/``: pages, the hand-off, the sign-out, kept forms.

Must never forward a request.
"""
