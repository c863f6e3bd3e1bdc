"""What makes the weights that the package carries: small segmenter, base `tiny`, its adapters.

No other room imports it; its jobs are jobs/train_segmenter.py, jobs/pretrain_tiny.py and
jobs/tune_tiny.py, and the adapters' calibration comes from `georay calibrate
jobs/recipes/calibrate-tiny.yaml`. Its recipes stand here, so that an installation has them, and are
linked from jobs/recipes.
"""

from pathlib import Path

RECIPES = Path(__file__).parent / "recipes"
"""Folder of the recipes of the shipped weights."""
