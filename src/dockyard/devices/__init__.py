"""Devices of the host that vendors describe: the Container Device Interface, GPUs above all."""
