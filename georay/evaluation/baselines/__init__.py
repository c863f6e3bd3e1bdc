"""The systems that georay is compared with, trained and asked through one protocol."""
