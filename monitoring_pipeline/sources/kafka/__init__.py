"""Topics of Kafka, read by a member of a group: stored first, then committed."""
