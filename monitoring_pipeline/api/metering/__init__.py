"""What the server itself does, counted while it works, and what a scraper is shown of it."""
