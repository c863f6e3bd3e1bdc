"""Evaluation: asks models about held-out pictures and computes the paper's figures."""
