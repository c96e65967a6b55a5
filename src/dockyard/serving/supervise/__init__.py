"""Programs that are kept running, each under a monitor of its own (conmon).

The monitor takes a script of ours for its OCI runtime: it starts the program, and conmon reaps it,
keeps its output, and calls an exit command, which starts it again.
"""
