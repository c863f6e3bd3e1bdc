"""What every room builds on: tables, pictures, places, answers, storage; no Ray, no torch."""
