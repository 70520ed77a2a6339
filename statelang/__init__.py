"""Statelang: Amazon States Language as a Python library, durable anywhere."""
