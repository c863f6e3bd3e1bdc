"""The process that speaks HTTP: routes, limits, and what the server answers; it loads no model."""
