"""Services: replicas, routes, traffic splits, scaling to zero and back.

A service is a Compose service with an ``x-dockyard`` block (:mod:`dockyard.serving.model`). Three
processes serve the services of a root: the gateway (Envoy), the activator, which holds requests
for replicas that aren't there yet, and the controller, which decides how many there are.
"""
