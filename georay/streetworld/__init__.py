"""A drawn world: scenes, masks, clues and captions of any number, free of any licence."""
