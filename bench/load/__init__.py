"""A load on a server of this machine: bounded in number and time, it stops by itself.

``python -m bench.load URL`` runs one; tests and the demo have it in a process beside them.
"""
