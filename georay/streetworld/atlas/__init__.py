"""Countries and landmarks as data: one file a country, read once and checked."""
