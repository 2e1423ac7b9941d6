"""How many weights to keep, round by round."""

from __future__ import annotations


def kept_shares(schedule: str, rounds: int, share: float) -> list[float]:
    """The share to keep after each of ``rounds``, ending with ``share``.

    one_shot: once. iterative: the same share of what is left in every round (Frankle & Carbin 2019). cubic: fast at
    first, slower and slower (Zhu & Gupta 2018, equation 1).
    """
    if schedule == "one_shot":
        return [share]
    done = [(round_ + 1) / rounds for round_ in range(rounds)]
    if schedule == "iterative":
        return [share**part for part in done]
    return [share + (1 - share) * (1 - part) ** 3 for part in done]


def to_keep(total: int, prunable: int, compression: float | None, sparsity: float | None) -> int:
    """How many of ``prunable`` weights to keep for a compression of all ``total`` parameters, or a sparsity of weights.

    Parameters that are not pruned, such as biases, count against the compression. ValueError where they alone are too
    many.
    """
    if compression is None:
        assert sparsity is not None
        return round((1 - sparsity) * prunable)
    keep = round(total / compression) - (total - prunable)
    if keep < 1:
        most = total / (total - prunable + 1)
        raise ValueError(
            f"a compression of {compression:g} cannot be reached: {total - prunable:,} of the {total:,} parameters are "
            f"biases and norms, which are not pruned. Choose less than {most:.4g}."
        )
    return min(keep, prunable)
