"""Which requests fall under which rule."""
