"""georay says where a street-level photograph was taken, and why."""

__version__ = "0.1.0"
