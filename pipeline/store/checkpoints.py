"""The checkpoints of one stage's execution, in the store: the newest, whole or not at all."""

from __future__ import annotations

import json
from typing import Any

from pipeline.codecs import Codec, Damaged, decode, encode
from pipeline.store.blobs import Blobs, Files


class StoredCheckpoints:
    """``pipeline.context.Checkpoints`` below ``checkpoints/KEY``; its blobs are its own, to be removed with it."""

    def __init__(self, files: Files, key: str, codecs: tuple[Codec, ...], packages: frozenset[str]) -> None:
        self.folder = f"checkpoints/{key}"
        self._files = files
        self._blobs = Blobs(files, self.folder)
        self._codecs = codecs
        self._packages = packages

    def save(self, state: Any, step: int) -> None:
        """Keep ``state`` as of ``step`` in place of the one before."""
        kept: set[str] = set()

        def write(parts: Any) -> str:
            digest = self._blobs.write(parts)
            kept.add(self._blobs.name(digest))
            return digest

        tree = encode(state, write, name="checkpoint", codecs=self._codecs, packages=self._packages)
        document = json.dumps({"step": step, "tree": tree}, ensure_ascii=False)
        self._files.write(self._state, [document.encode("utf-8", "surrogatepass")])
        for file in list(self._files.listing(self.folder)):
            if file.name != self._state and file.name not in kept:
                self._files.remove(file.name)

    def load(self) -> tuple[Any, int] | None:
        """The newest state and its step, or None where there is none that can be read."""
        content = self._files.read(self._state)
        if content is None:
            return None
        try:
            document = json.loads(content.decode("utf-8", "surrogatepass"))
            state = decode(document["tree"], self._blobs.find, codecs=self._codecs, packages=self._packages)
            return state, document["step"]
        except (Damaged, ValueError, KeyError):
            self.clear()  # starting over is what the stage does without a checkpoint
            return None

    def clear(self) -> None:
        """Remove it."""
        self._files.remove(self.folder)

    @property
    def _state(self) -> str:
        return f"{self.folder}/state.json"
