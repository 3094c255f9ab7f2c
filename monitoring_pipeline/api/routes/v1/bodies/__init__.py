"""What /v1 is sent and what it answers: a module for each subject, with an example of each body."""
