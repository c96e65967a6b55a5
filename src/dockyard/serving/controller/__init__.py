"""The controller: one asyncio process a root, which observes, decides and acts.

All it knows is in the store or can be seen, so that it may end at any moment.
"""
