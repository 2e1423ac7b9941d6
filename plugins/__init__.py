"""The built-in topics, each a plugin like anybody else's."""
