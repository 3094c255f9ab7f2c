"""What nobody may do to the server, whatever route is asked: endless requests, foreign pages, answers that are kept."""
