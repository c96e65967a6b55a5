"""The command line: reads arguments, calls the engine, and prints. Nothing is decided here."""
