"""The command line: the same verbs as the library, one command a file."""
