"""The Open Container Initiative's formats, and nothing but formats: no I/O, no policy."""
