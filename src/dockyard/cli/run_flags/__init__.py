"""The flags of ``run`` and ``create``, one module per subject.

Each module has ``DECLARED``, its click options; ``NOT_YET``, what Docker has and Dockyard doesn't
have yet; and ``make``, which turns the values read into its part of the options.
"""
