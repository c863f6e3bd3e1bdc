"""OpenStreetMap extract and boundary in, sampling points at regular distances on roads out."""
