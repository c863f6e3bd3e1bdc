"""Tables that other programs wrote: what their columns mean, and what is true of their pictures."""
