"""The tables that the `multitask` plugin knows by name."""

from pipeline.datasets import Dataset, RemoteFile

ADULT = Dataset(
    "adult",
    "Adult: 48,842 people of the census of 1994, income and marital status to be told from the rest",
    files=(
        RemoteFile(
            "adult.data",
            "https://archive.ics.uci.edu/ml/machine-learning-databases/adult/adult.data",
            "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
        ),
        RemoteFile(
            "adult.test",
            "https://archive.ics.uci.edu/ml/machine-learning-databases/adult/adult.test",
            "a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05",
        ),
    ),
    licence="CC BY 4.0",
    citation="Becker, B. & Kohavi, R. (1996). Adult. UCI Machine Learning Repository.",
    homepage="https://archive.ics.uci.edu/dataset/2",
)

_MULAN = "https://github.com/tsoumakas/mulan/raw/master/data/multi-target/"


def _mulan(name: str, title: str, targets: int, sha256: str) -> tuple[Dataset, int]:
    dataset = Dataset(
        name,
        title,
        files=(RemoteFile(f"{name}.arff", f"{_MULAN}{name}.arff", sha256),),
        licence="none stated",
        citation="Spyromitros-Xioufis, E. et al. (2016). Multi-Target Regression via Input Space Expansion. Machine "
        "Learning 104, 55-98.",
        homepage="https://github.com/tsoumakas/mulan",
        folder="multi-target",
    )
    return dataset, targets


MULTI_TARGET = {
    dataset.name: (dataset, targets)
    for dataset, targets in (
        _mulan("enb", "Heating and cooling load of 768 buildings", 2,
               "8277d9094ccda6da2cd1c2b79c90ca201fa3695e75aca173ffc43138dcab0071"),
        _mulan("jura", "Three heavy metals in 359 soil samples", 3,
               "78ce7655f49073e3622ef7ba25657b3900a2b279ba3d48cb82e353e56bac3d2a"),
        _mulan("wq", "Fourteen species in 1,060 river samples", 14,
               "4a0906b4a51bf52c986790ddaf261ba51faa3da9cffe823badabd88d38d252fe"),
    )
}  # fmt: skip
"""Regression sets by name, each with how many of its last columns are targets."""
