"""What makes the weights that the package carries: the small segmenter, and the base `tiny`.

No other room imports it; its jobs are jobs/train_segmenter.py and jobs/pretrain_tiny.py. The
adapters of `tiny` come from the flow of the demo, with more of it: jobs/tune_tiny.py, and
their calibration from `georay calibrate jobs/recipes/calibrate-tiny.yaml`.
"""
