"""The flags of ``run`` and ``create``, one module per subject.

Each module has ``DECLARED``, its options, and ``make``, which turns the values read into its part
of a container's options. Why Dockyard hasn't the others of Docker's says ``cli/differences.py``.
"""
