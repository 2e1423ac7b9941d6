"""The picture data sets that ``data.images`` knows by name."""

from pipeline.datasets import Dataset, RemoteFile

IDX_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
"""MNIST's four files; data sets made to replace MNIST use the same names."""


def _idx_files(folder: str, *checksums: str) -> tuple[RemoteFile, ...]:
    return tuple(RemoteFile(name, folder + name, sha256) for name, sha256 in zip(IDX_FILES, checksums, strict=True))


DIGITS = Dataset(
    "digits",
    "Optical recognition of handwritten digits: the 1,797 pictures of 8x8 pixels that scikit-learn ships",
    files=(),
    licence="CC BY 4.0",
    citation="Alpaydin, E. & Kaynak, C. (1998). Optical Recognition of Handwritten Digits. UCI Machine Learning "
    "Repository.",
    homepage="https://archive.ics.uci.edu/dataset/80",
)

MNIST = Dataset(
    "mnist",
    "MNIST: 70,000 handwritten digits of 28x28 pixels, 10,000 of them the test set",
    files=_idx_files(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
    licence="CC BY-SA 3.0",
    citation="LeCun, Y., Bottou, L., Bengio, Y. & Haffner, P. (1998). Gradient-based learning applied to document "
    "recognition. Proceedings of the IEEE 86(11), 2278-2324.",
    homepage="http://yann.lecun.com/exdb/mnist/",
)

FASHION_MNIST = Dataset(
    "fashion-mnist",
    "Fashion-MNIST: 70,000 pictures of clothes of 28x28 pixels, 10,000 of them the test set",
    files=_idx_files(
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
    licence="MIT",
    citation="Xiao, H., Rasul, K. & Vollgraf, R. (2017). Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine "
    "Learning Algorithms. arXiv:1708.07747.",
    homepage="https://github.com/zalandoresearch/fashion-mnist",
)

OMNIGLOT = Dataset(
    "omniglot",
    "Omniglot: 32,460 pictures of 1,623 characters of 50 alphabets, each drawn by 20 people",
    files=(
        RemoteFile(
            "images_background.zip",
            "https://github.com/brendenlake/omniglot/raw/master/python/images_background.zip",
            "ad41ab679c8b5d90b271ef46be6987cc81211774a695c29dcc5367b2b26ee640",
            repacked=("b87db428ebeedc7c8ccccd70af79d8778ad1282432d7e305c344f107ab163ddf",),
        ),
        RemoteFile(
            "images_evaluation.zip",
            "https://github.com/brendenlake/omniglot/raw/master/python/images_evaluation.zip",
            "1f61a8f3366785b057fc117d9228e78a16e3d976c8953b2a10fcc74cf0609cee",
            repacked=("166589f7364723158eacdc562b66ffae78c429c568d6a710523a50d68bb2da63",),
        ),
    ),
    licence="MIT",
    citation="Lake, B. M., Salakhutdinov, R. & Tenenbaum, J. B. (2015). Human-level concept learning through "
    "probabilistic program induction. Science 350(6266), 1332-1338.",
    homepage="https://github.com/brendenlake/omniglot",
)

DATASETS = (DIGITS, MNIST, FASHION_MNIST, OMNIGLOT)
