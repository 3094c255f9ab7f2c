"""What the measures are when nothing has changed: exact where that is cheap, by their limit laws where it is not."""
