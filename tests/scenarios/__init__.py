"""Every requirement, and the test that proves it by being seen to fail."""
