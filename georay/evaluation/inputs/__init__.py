"""Reads answers that other programs wrote, and the truth about their pictures."""
