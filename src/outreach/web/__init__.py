"""The HTTP door: what providers report, unsubscribe links, answers to surveys."""
