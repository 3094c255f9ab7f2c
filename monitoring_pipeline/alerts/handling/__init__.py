"""What people do about alerts: they take note of one, or want to hear nothing of some for a while."""
