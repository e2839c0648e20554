"""What may happen and what follows: pure functions that the authority decides by and a desk predicts by."""
