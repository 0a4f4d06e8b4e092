"""Workside: the web application and the coach."""

import os

# Before numpy is first imported. A search multiplies small matrices, one thread for each request; several threads for one
# product wait for one another as soon as two requests come together (measured: 37 -> 14 ms for a scope of 1,000 passages).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
