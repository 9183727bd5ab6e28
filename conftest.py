"""Fixtures of all tests."""

import signal

pytest_plugins = ["pytest_jupyter.jupyter_server", "aiplat_jupyter.pytest_plugin", "tests.nvml"]

# A shell starts its background jobs with interrupts ignored, and children inherit that; some tests send interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
