"""Systems that tell the cell of the Earth that a picture was taken in."""
