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

CENSUS = Dataset(
    "census-income",
    "Census income (KDD): 99,762 people of the surveys of 1994 and 1995, the part published as test set",
    files=(
        RemoteFile(
            "census-income.test.gz",
            "https://archive.ics.uci.edu/ml/machine-learning-databases/census-income-mld/census-income.test.gz",
            "5ac4cacd3ca9f1ecb10de1a0a41e4ac68fdc419e3fec190f5c0c6cc03b2ea659",
        ),
    ),
    licence="CC BY 4.0",
    citation="Census-Income (KDD) (2000). UCI Machine Learning Repository.",
    homepage="https://archive.ics.uci.edu/dataset/117",
    folder="census-income-kdd",
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
        _mulan("andro", "Six measures of the water of 49 days in Thermaikos bay", 6,
               "08f0e2757b2a7635136ac58ea76c4e801ffeb0a81116b29e6ac169228c8aa132"),
        _mulan("edm", "Two settings of an electrical discharge machine in 154 observations", 2,
               "37777374030f592a53cbcf597ae0aa6105238a1c696dd04ccb229be982f6bc5b"),
        _mulan("scpf", "Views, clicks and comments of 1,137 issues of towns", 3,
               "f7d3c7b134c0e5ddff56a7900371cb44328f9b7f550203c4a556929203ea81e9"),
        _mulan("sf1", "Three classes of flares of 323 regions of the sun, 1969", 3,
               "8f78e64aca64f7c0c7ba4d9b2f114feb2a6f72e6116e87d7dab94e7cab426d93"),
        _mulan("sf2", "Three classes of flares of 1,066 regions of the sun, 1978", 3,
               "2c1ac60f3e612b0e0bc9884ffe98a205ce07ca83f3f89c019220fde350396795"),
        _mulan("slump", "Slump, flow and strength of 103 concretes", 3,
               "3a9a9eba416b06c7668153b44073a0e165afbfc9e526d53b174e5f97a707ca6c"),
        _mulan("enb", "Heating load (Y1) and cooling load (Y2) of 768 buildings", 2,
               "8277d9094ccda6da2cd1c2b79c90ca201fa3695e75aca173ffc43138dcab0071"),
        _mulan("jura", "Three heavy metals in 359 soil samples", 3,
               "78ce7655f49073e3622ef7ba25657b3900a2b279ba3d48cb82e353e56bac3d2a"),
        _mulan("wq", "Fourteen species in 1,060 river samples", 14,
               "4a0906b4a51bf52c986790ddaf261ba51faa3da9cffe823badabd88d38d252fe"),
    )
}  # fmt: skip
"""Regression sets by name, each with how many of its last columns are targets."""
