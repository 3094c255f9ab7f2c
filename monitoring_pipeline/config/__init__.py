"""What is monitored, and where its state lives: ``monitoring.yaml``, its schema, and the home folder."""
