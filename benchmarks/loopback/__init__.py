"""Servers on loopback that behave like the providers of street views, with drawn pictures."""
