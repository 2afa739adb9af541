"""Makes `helpers` importable from every test, also in worker processes that the tests start."""
