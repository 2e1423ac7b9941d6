"""The data set that the `meta` plugin brings."""

from pipeline.datasets import Dataset, RemoteFile

_HOME = "https://github.com/brendenlake/omniglot/raw/master/python/"

OMNIGLOT = Dataset(
    "omniglot",
    "Omniglot: 1,623 characters of 50 alphabets, each drawn by 20 people, 105x105 pixels",
    files=(
        RemoteFile(
            "images_background.zip",
            _HOME + "images_background.zip",
            "ad41ab679c8b5d90b271ef46be6987cc81211774a695c29dcc5367b2b26ee640",
            repacked=("b87db428ebeedc7c8ccccd70af79d8778ad1282432d7e305c344f107ab163ddf",),
        ),
        RemoteFile(
            "images_evaluation.zip",
            _HOME + "images_evaluation.zip",
            "1f61a8f3366785b057fc117d9228e78a16e3d976c8953b2a10fcc74cf0609cee",
            repacked=("166589f7364723158eacdc562b66ffae78c429c568d6a710523a50d68bb2da63",),
        ),
        RemoteFile(
            "all_runs.zip",
            _HOME + "one-shot-classification/all_runs.zip",
            "437c1eeab0af8484112e1b4cc0f3d541ec727f7c47b9b202da738af9dfd6c325",
        ),
    ),
    licence="MIT",
    citation="Lake, B. M., Salakhutdinov, R. & Tenenbaum, J. B. (2015). Human-level concept learning through "
    "probabilistic program induction. Science 350(6266), 1332-1338.",
    homepage="https://github.com/brendenlake/omniglot",
)
