"""Engines: spread files over the processes of this machine or of a cluster, and survive the processes that die."""
