"""torch.compile, with the real compiler."""

import os
import shutil
from copy import deepcopy

import numpy as np
import pytest

from pipeline.context import Context
from pipeline.errors import StageError
from plugins.vae.fit_stages import Fit

QUICK = Fit(latent_dim=4, hidden=(8,), batch_size=50, epochs=3)


class Checkpoints:
    """Those that were saved; training goes on from the first."""

    def __init__(self):
        self.saved = []

    def save(self, state, step):
        self.saved.append(deepcopy(state))

    def load(self):
        return (self.saved[0], 1) if self.saved else None


@pytest.mark.skipif(not shutil.which(os.environ.get("CXX", "g++")), reason="torch.compile needs a C++ compiler")
def test_a_compiled_training_takes_up_a_plain_one_and_ends_in_the_same_model(digits, tmp_path, monkeypatch):
    from torch._inductor import config

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    checkpoints = Checkpoints()
    plain = QUICK.run(digits, Context(seed=1, checkpoints=checkpoints))

    # Not to build what tells whether the processor's vectors work, nor to start processes for four small kernels.
    with config.patch({"cpp.vec_isa_ok": True, "compile_threads": 1}):
        compiled = QUICK.model_copy(update={"compile": True}).run(digits, Context(seed=1, checkpoints=checkpoints))

    assert list(tmp_path.rglob("*.so"))
    assert list(plain.state) == list(compiled.state)
    pixels = digits.test.scaled()
    assert np.allclose(plain.predict(pixels), compiled.predict(pixels), atol=1e-4)
    assert 3 + 2 == len(checkpoints.saved)


def test_without_a_compiler_the_error_says_what_to_install(digits, tmp_path, monkeypatch):
    from torch._inductor import config

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))

    with config.patch({"cpp.cxx": ("no-such-compiler",)}), pytest.raises(StageError) as caught:
        QUICK.model_copy(update={"compile": True, "hidden": (7,)}).run(digits, Context(seed=0))

    assert "No working C++ compiler found" in str(caught.value)
    assert "Install a C++ compiler (on Debian and Ubuntu, apt install g++)" in str(caught.value)
