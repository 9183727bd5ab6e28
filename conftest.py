"""Fixtures of all tests."""

pytest_plugins = ["aiplat_jupyter.pytest_plugin"]
