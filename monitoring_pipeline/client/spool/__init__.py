"""What waits to be sent: in memory, and in a folder that outlives the process."""
