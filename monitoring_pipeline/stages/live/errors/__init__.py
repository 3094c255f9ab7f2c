"""The errors of any stretch of time as of now: whole hours as they are kept, the edges from their rows."""
