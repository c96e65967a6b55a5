"""The controller: one process per root, there only while something must be supervised over time.

It hosts duties (:class:`dockyard.controller.model.Duty`) and knows nothing of what they are about.
Its state is in the store, so it may be killed at any moment, and the next one goes on.
"""
