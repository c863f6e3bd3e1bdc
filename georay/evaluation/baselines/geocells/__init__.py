"""Systems that classify a picture by the cell of the Earth that it was taken in."""
