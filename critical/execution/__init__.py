"""How runs are trained: the tree of their pasts, the store, the workers."""
