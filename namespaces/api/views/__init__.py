"""The routes of places and objects, one module per resource: each parses, calls a verb or a query, and answers."""
