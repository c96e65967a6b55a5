"""Batches: records go through short-lived containers, and each yields one result or one rejection.

The input is cut into shards (:mod:`dockyard.batch.split`). A container gets the records of a shard
(:mod:`dockyard.batch.piped`, :mod:`dockyard.batch.served`) and says what came of each
(:mod:`dockyard.batch.contract`). What it says is written down at once
(:mod:`dockyard.batch.journal`), so that after any crash only records without an outcome are sent
again (:mod:`dockyard.batch.decide`), and a shard that is whole becomes a file of the output by one
rename (:mod:`dockyard.batch.output`).
"""
