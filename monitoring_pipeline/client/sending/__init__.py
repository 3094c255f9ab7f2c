"""What waits reaches the server, for as long as that takes."""
