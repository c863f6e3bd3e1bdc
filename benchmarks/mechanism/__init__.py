"""Studies of the paper's mechanism on StreetWorld: Table 2, Figure 6, reasons alone, and towns."""
