"""What peers' users and ours get wrong, and exactly what they are told.

The first 28 are the cases that other tools were probed with; each message names the place, the mistake, what was meant
and what to do next, in at most six lines.
"""

# ruff: noqa: E501  # the messages are as wide as a user sees them

import shutil
from pathlib import Path

import pytest

from pipeline import Pipeline
from pipeline.errors import RequestError

CASES = {
    "dvc: key typo": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit, parms: {epochs: 3}}
""",
        [],
        """\
test.yaml:3:26: unknown key 'parms' of stages.model
  3 |   model: {uses: vae.fit, parms: {epochs: 3}}
                               ^
  Known: inputs, retries, timeout, uses, variants, with.
""",
    ),
    "dvc: wrong type of a wiring": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit, inputs: 5}
""",
        [],
        """\
test.yaml:3:34: the 'inputs' key of stages.model must be a mapping. Got 5 instead.
  3 |   model: {uses: vae.fit, inputs: 5}
                                       ^
""",
    ),
    "dvc: YAML syntax": (
        """\
stages:
  images: {uses: data.images
  model: {uses: vae.fit}
""",
        [],
        """\
test.yaml:2:11: the '{' that opens here is not closed
  2 |   images: {uses: data.images
                ^
  Close it with '}', and separate what is inside with commas.
""",
    ),
    "dvc: missing input": (
        """\
stages:
  model: {uses: vae.fit}
""",
        [],
        """\
test.yaml:2:3: stage 'model' (vae.fit) needs an input 'images' of type Split[Images]
  2 |   model: {uses: vae.fit}
        ^
  No stage here makes Split[Images]; see `pipeline stages`.
""",
    ),
    "dvc: missing parameter": (
        """\
stages:
  read: {uses: counting.read}
plugins: [counting.py]
""",
        [],
        """\
test.yaml:2:3: the 'path' field of counting.read is missing
  2 |   read: {uses: counting.read}
        ^
  See `pipeline stages counting.read`.
""",
    ),
    "dvc: cycle": (
        """\
stages:
  a: {uses: counting.round, inputs: {draw: b}}
  b: {uses: counting.round, inputs: {draw: a}}
plugins: [counting.py]
""",
        [],
        """\
test.yaml:2:3: the stages wait for one another: a -> b -> a
  2 |   a: {uses: counting.round, inputs: {draw: b}}
        ^
  One of these inputs must come from elsewhere.
""",
    ),
    "hydra: field typo": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit, with: {learnig_rate: 0.1}}
""",
        [],
        """\
test.yaml:3:33: unknown field 'learnig_rate' of vae.fit
  3 |   model: {uses: vae.fit, with: {learnig_rate: 0.1}}
                                      ^
  Did you mean 'learning_rate'?
  See `pipeline stages vae.fit`.
""",
    ),
    "hydra: wrong type of a field": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit, with: {epochs: many}}
""",
        [],
        """\
test.yaml:3:41: the 'epochs' field of vae.fit must be a valid integer. Got "many" instead.
  3 |   model: {uses: vae.fit, with: {epochs: many}}
                                              ^
  See `pipeline stages vae.fit`.
""",
    ),
    "hydra: YAML syntax, a colon in a value": (
        """\
name: digits: first try
stages:
  images: {uses: data.images, with: {dataset: digits}}
""",
        [],
        """\
test.yaml:1:13: a second ':' on this line
  1 | name: digits: first try
                  ^
  Quote the text after the first ':', or begin the inner mapping on a line of its own.
""",
    ),
    "hydra: override typo": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit}
""",
        ["model.learnig_rate=0.1"],
        """\
command line: unknown field 'learnig_rate' of vae.fit
  model.learnig_rate=0.1
  ^
  Did you mean 'learning_rate'?
  See `pipeline stages vae.fit`.
""",
    ),
    "hydra: missing option of a group": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit, variants: {small: {with: {latent_dim: 2}}, large: {with: {latent_dim: 32}}}}
""",
        ["model=huge"],
        """\
command line: stage 'model' has no variant 'huge'
  model=huge
        ^
  Variants: large, small.
""",
    ),
    "jsonargparse: typo in a nested key": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit, with: {latent_dims: 3}}
""",
        [],
        """\
test.yaml:3:33: unknown field 'latent_dims' of vae.fit
  3 |   model: {uses: vae.fit, with: {latent_dims: 3}}
                                      ^
  Did you mean 'latent_dim'?
  See `pipeline stages vae.fit`.
""",
    ),
    "jsonargparse: text for a number": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit, with: {learning_rate: '0.1'}}
""",
        [],
        """\
test.yaml:3:48: the 'learning_rate' field of vae.fit must be a valid number. Got "0.1" instead.
  3 |   model: {uses: vae.fit, with: {learning_rate: '0.1'}}
                                                     ^
  See `pipeline stages vae.fit`.
""",
    ),
    "jsonargparse: YAML syntax, a tab": (
        """\
stages:
	images: {uses: data.images, with: {dataset: digits}}
""",
        [],
        """\
test.yaml:2:1: a tab stands where YAML wants spaces
  2 |  images: {uses: data.images, with: {dataset: digits}}
      ^
  Indent with spaces only.
""",
    ),
    "snakemake: keyword typo": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {use: vae.fit}
""",
        [],
        """\
test.yaml:3:11: unknown key 'use' of stages.model
  3 |   model: {use: vae.fit}
                ^
  Did you mean 'uses'?
""",
    ),
    "snakemake: missing input by hand": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit, inputs: {images: image}}
""",
        [],
        """\
test.yaml:3:43: input 'images' of stage 'model' names no stage: 'image'
  3 |   model: {uses: vae.fit, inputs: {images: image}}
                                                ^
  Did you mean 'images'?
  Stages: images, model.
""",
    ),
    "snakemake: a stage that needs itself": (
        """\
stages:
  a: {uses: counting.round, inputs: {draw: a}}
plugins: [counting.py]
""",
        [],
        """\
test.yaml:2:3: the stages wait for one another: a -> a
  2 |   a: {uses: counting.round, inputs: {draw: a}}
        ^
  One of these inputs must come from elsewhere.
""",
    ),
    "kedro: missing input of a later stage": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  quality: {uses: vae.evaluate}
""",
        [],
        """\
test.yaml:3:3: stage 'quality' (vae.evaluate) needs an input 'model' of type VAE
  3 |   quality: {uses: vae.evaluate}
        ^
  No stage here makes VAE; see `pipeline stages`.
""",
    ),
    "kedro: cycle of three": (
        """\
stages:
  a: {uses: counting.round, inputs: {draw: c}}
  b: {uses: counting.round, inputs: {draw: a}}
  c: {uses: counting.round, inputs: {draw: b}}
plugins: [counting.py]
""",
        [],
        """\
test.yaml:2:3: the stages wait for one another: a -> b -> c -> a
  2 |   a: {uses: counting.round, inputs: {draw: c}}
        ^
  One of these inputs must come from elsewhere.
""",
    ),
    "kedro: catalog typo": (
        """\
stages:
  images: {uses: data.images, with: {foldr: pictures}}
""",
        [],
        """\
test.yaml:2:38: unknown field 'foldr' of data.images
  2 |   images: {uses: data.images, with: {foldr: pictures}}
                                           ^
  Did you mean 'folder'?
  See `pipeline stages data.images`.
""",
    ),
    "kedro: unknown data set type": (
        """\
stages:
  images: {uses: data.imagess}
""",
        [],
        """\
test.yaml:2:18: there is no stage 'data.imagess'
  2 |   images: {uses: data.imagess}
                       ^
  Did you mean 'data.images'?
""",
    ),
    "ray: unknown searcher": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit}
sweep: {metric: model/elbo, search: bayes}
""",
        [],
        """\
test.yaml:4:37: the 'search' key of sweep must be 'manual', 'grid', 'random', 'sobol', 'gp', 'tpe', 'cma', 'bohb' or 'nsga2'. Got "bayes" instead.
  4 | sweep: {metric: model/elbo, search: bayes}
                                          ^
""",
    ),
    "ray: unknown scheduler": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit}
sweep: {metric: model/elbo, scheduler: ashaa}
""",
        [],
        """\
test.yaml:4:40: the 'scheduler' key of sweep must be 'none', 'median', 'asha', 'hyperband', 'bohb', 'pbt' or 'pb2'. Got "ashaa" instead.
  4 | sweep: {metric: model/elbo, scheduler: ashaa}
                                             ^
  Did you mean 'asha'?
""",
    ),
    "ray: typo in the sweep's settings": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit}
sweep: {metric: model/elbo, num_samples: 4}
""",
        [],
        """\
test.yaml:4:29: unknown key 'num_samples' of sweep
  4 | sweep: {metric: model/elbo, num_samples: 4}
                                  ^
  Known: concurrency, constraints, max_failures, metric, mode, points, racing, resources, scheduler, search, seeds, space and 2 more.
""",
    ),
    "mlflow: top-level typo": (
        """\
naem: digits
stages:
  images: {uses: data.images, with: {dataset: digits}}
""",
        [],
        """\
test.yaml:1:1: unknown key 'naem' of a pipeline file
  1 | naem: digits
      ^
  Did you mean 'name'?
""",
    ),
    "guild: section typo": (
        """\
stage:
  images: {uses: data.images, with: {dataset: digits}}
""",
        [],
        """\
test.yaml:1:1: unknown key 'stage' of a pipeline file
  1 | stage:
      ^
  Did you mean 'stages'?
""",
    ),
    "guild: flag typo on the command line": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit}
""",
        ["modle.epochs=3"],
        """\
command line: 'modle' is no stage of this pipeline
  modle.epochs=3
  ^
  Did you mean 'model'?
  Stages: images, model.
""",
    ),
    "metaflow: unknown step": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit}
""",
        ["--until", "modle"],
        """\
--until names no stage: 'modle'
  Did you mean 'model'?
  Stages: images, model.
""",
    ),
    "empty file": (
        """\

""",
        [],
        """\
test.yaml: the file is empty
  A pipeline has at least 'stages:'; 'pipeline new pipeline NAME' writes one to begin with.
""",
    ),
    "only comments": (
        """\
# nothing yet
""",
        [],
        """\
test.yaml: the file is empty
  A pipeline has at least 'stages:'; 'pipeline new pipeline NAME' writes one to begin with.
""",
    ),
    "a list at the top": (
        """\
- a
- b
""",
        [],
        """\
test.yaml:1:1: a pipeline file is a mapping of keys to values. Got a list instead.
  1 | - a
      ^
  Write 'stages:' and the like at the left edge, with a space or a line break after the ':'.
""",
    ),
    "no stages": (
        """\
name: digits
""",
        [],
        """\
test.yaml:1:1: the 'stages' key of a pipeline file is missing
  1 | name: digits
      ^
  Add 'stages:' there.
""",
    ),
    "empty stages": (
        """\
stages: {}
""",
        [],
        """\
test.yaml:1:9: the 'stages' key of a pipeline file must have at least 1 item. Got {} instead.
  1 | stages: {}
              ^
""",
    ),
    "a stage without uses": (
        """\
stages:
  images: {}
""",
        [],
        """\
test.yaml:2:3: stage 'images' does not say what it uses
  2 |   images: {}
        ^
  Say which code it runs: uses: plugin.stage (see `pipeline stages`).
""",
    ),
    "a stage that is a text": (
        """\
stages:
  images: data.images
""",
        [],
        """\
test.yaml:2:11: the 'images' key of stages must be a mapping. Got "data.images" instead.
  2 |   images: data.images
                ^
""",
    ),
    "unknown plugin": (
        """\
stages:
  a: {uses: vea.fit}
""",
        [],
        """\
test.yaml:2:13: there is no stage 'vea.fit'
  2 |   a: {uses: vea.fit}
                  ^
  Did you mean 'vae.fit'?
""",
    ),
    "uses without a stage": (
        """\
stages:
  a: {uses: data}
""",
        [],
        """\
test.yaml:2:13: 'data' is a plugin, not a stage
  2 |   a: {uses: data}
                  ^
  Its stages: data.images, data.table.
""",
    ),
    "out of range": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit, with: {latent_dim: 0}}
""",
        [],
        """\
test.yaml:3:45: the 'latent_dim' field of vae.fit must be greater than 0. Got 0 instead.
  3 |   model: {uses: vae.fit, with: {latent_dim: 0}}
                                                  ^
  See `pipeline stages vae.fit`.
""",
    ),
    "not one of the choices": (
        """\
stages:
  images: {uses: data.images, with: {dataset: mnits}}
""",
        [],
        """\
test.yaml:2:47: the 'dataset' field of data.images must be 'digits', 'mnist', 'fashion-mnist' or 'omniglot'. Got "mnits" instead.
  2 |   images: {uses: data.images, with: {dataset: mnits}}
                                                    ^
  Did you mean 'mnist'?
""",
    ),
    "a fraction for a whole number": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit, with: {epochs: 2.5}}
""",
        [],
        """\
test.yaml:3:41: the 'epochs' field of vae.fit must be a valid integer. Got 2.5 instead.
  3 |   model: {uses: vae.fit, with: {epochs: 2.5}}
                                              ^
  See `pipeline stages vae.fit`.
""",
    ),
    "infinity": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit, with: {learning_rate: .inf}}
""",
        [],
        """\
test.yaml:3:48: the 'learning_rate' field of vae.fit must be a finite number. Got Infinity instead.
  3 |   model: {uses: vae.fit, with: {learning_rate: .inf}}
                                                     ^
  See `pipeline stages vae.fit`.
""",
    ),
    "two stages that do not fit together": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit}
  quality: {uses: vae.evaluate, inputs: {model: images, images: images}}
""",
        [],
        """\
test.yaml:4:49: input 'model' of vae.evaluate must be VAE, but stage 'images' (data.images) makes Split[Images]
  4 |   quality: {uses: vae.evaluate, inputs: {model: images, images: images}}
                                                      ^
  Made by: model.
""",
    ),
    "an input that the stage does not take": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit, inputs: {pictures: images}}
""",
        [],
        """\
test.yaml:3:45: vae.fit has no input 'pictures'
  3 |   model: {uses: vae.fit, inputs: {pictures: images}}
                                                  ^
  It takes images.
""",
    ),
    "a list where one stage is wanted": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit}
  quality: {uses: vae.evaluate, inputs: {model: [model]}}
""",
        [],
        """\
test.yaml:4:49: input 'model' of vae.evaluate takes one stage, not a list
  4 |   quality: {uses: vae.evaluate, inputs: {model: [model]}}
                                                      ^
""",
    ),
    "duplicate key": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  images: {uses: data.images, with: {dataset: digits}}
""",
        [],
        """\
test.yaml:3:3: the key 'images' is given twice, first on line 2
  3 |   images: {uses: data.images, with: {dataset: digits}}
        ^
  Delete one of the two.
""",
    ),
    "duplicate stage setting": (
        """\
stages:
  images: {uses: data.images, uses: vae.fit}
""",
        [],
        """\
test.yaml:2:11: data.images must name either a dataset or a folder. Got {} instead.
  2 |   images: {uses: data.images, uses: vae.fit}
                ^
  See `pipeline stages data.images`.
test.yaml:2:31: the key 'uses' is given twice, first on line 2
  2 |   images: {uses: data.images, uses: vae.fit}
                                    ^
  Delete one of the two.
""",
    ),
    "unset variable": (
        """\
stages:
  read: {uses: counting.read, with: {path: '${DATA_FLODER}/a.txt'}}
plugins: [counting.py]
""",
        [],
        """\
test.yaml:2:45: the environment variable 'DATA_FLODER' is not set
  2 |   read: {uses: counting.read, with: {path: '${DATA_FLODER}/a.txt'}}
                                                  ^
  Set it with: export DATA_FLODER=...; write $${DATA_FLODER} for a plain '${DATA_FLODER}'.
""",
    ),
    "a tag": (
        """\
stages:
  images: !!python/object:os.system {uses: data.images, with: {dataset: digits}}
""",
        [],
        """\
test.yaml:2:11: tags ('!...') are not allowed in a pipeline file
  2 |   images: !!python/object:os.system {uses: data.images, with: {dataset: digits}}
                ^
  Delete it; to write a text that begins with '!', quote it.
""",
    ),
    "a merge key": (
        """\
stages:
  images: &a {uses: data.images, with: {dataset: digits}}
  more: {<<: *a}
""",
        [],
        """\
test.yaml:3:3: stage 'more' does not say what it uses
  3 |   more: {<<: *a}
        ^
  Say which code it runs: uses: plugin.stage (see `pipeline stages`).
test.yaml:3:10: merge keys ('<<') are not part of YAML 1.2
  3 |   more: {<<: *a}
               ^
  To build on another file use 'extends: FILE'; to repeat one value whole use an alias.
""",
    ),
    "an unknown alias": (
        """\
stages:
  images: *other
""",
        [],
        """\
test.yaml:2:11: nothing before is marked '&other'
  2 |   images: *other
                ^
  To write a text that begins with '*', quote it.
test.yaml:2:11: the 'images' key of stages must be a mapping. Got "*other" instead.
  2 |   images: *other
                ^
""",
    ),
    "a merge conflict": (
        """\
stages:
<<<<<<< HEAD
  images: {uses: data.images, with: {dataset: digits}}
=======
  pictures: {uses: data.images, with: {dataset: digits}}
>>>>>>> other
""",
        [],
        """\
test.yaml:2:1: a merge conflict is not resolved here
  2 | <<<<<<< HEAD
      ^
  Keep one side, and delete the lines <<<<<<<, ======= and >>>>>>>.
""",
    ),
    "seed and seeds": (
        """\
seed: 1
seeds: 3
stages:
  images: {uses: data.images, with: {dataset: digits}}
""",
        [],
        """\
test.yaml:2:1: both 'seed' and 'seeds' are given
  2 | seeds: 3
      ^
  Keep one of them.
""",
    ),
    "seeds that are none": (
        """\
seeds: 0
stages:
  images: {uses: data.images, with: {dataset: digits}}
""",
        [],
        """\
test.yaml:1:8: the 'seeds' key of a pipeline file must be greater than 0. Got 0 instead.
  1 | seeds: 0
             ^
""",
    ),
    "a stage named like a key of the file": (
        """\
stages:
  seed: {uses: data.images, with: {dataset: digits}}
""",
        [],
        """\
test.yaml:2:3: a stage cannot be called 'seed': it is a key of the file
  2 |   seed: {uses: data.images, with: {dataset: digits}}
        ^
  Rename the stage, for instance to seed_stage.
""",
    ),
    "a stage name with a blank": (
        """\
stages:
  my images: {uses: data.images, with: {dataset: digits}}
""",
        [],
        """\
test.yaml:2:3: 'my images' cannot be a name here
  2 |   my images: {uses: data.images, with: {dataset: digits}}
        ^
  Use letters, digits and underscores, beginning with a letter.
""",
    ),
    "no variants": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit, variants: {}}
""",
        [],
        """\
test.yaml:3:36: the 'variants' key of stages.model must have at least 1 item. Got {} instead.
  3 |   model: {uses: vae.fit, variants: {}}
                                         ^
""",
    ),
    "a field that only another variant has": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {variants: {fit: {uses: vae.fit}, read: {uses: counting.round, with: {epochs: 3}, inputs: {draw: model}}}}
plugins: [counting.py]
""",
        [],
        """\
test.yaml:3:80: unknown field 'epochs' of counting.round
  3 | es: vae.fit}, read: {uses: counting.round, with: {epochs: 3}, inputs: {draw: model}}}}
                                                        ^
  See `pipeline stages counting.round`.
test.yaml:3:107: input 'draw' of counting.round must be float, but stage 'model' (vae.fit) makes VAE
  3 | counting.round, with: {epochs: 3}, inputs: {draw: model}}}}
                                                        ^
  No stage here makes float; see `pipeline stages`.
""",
    ),
    "choosing a variant where there are none": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit}
""",
        ["model=small"],
        """\
command line: stage 'model' has no variants to choose from
  model=small
        ^
  To set a field write model.FIELD=VALUE.
""",
    ),
    "a variant that does not exist, for one field": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit, variants: {small: {}}}
""",
        ["model[smal].epochs=3"],
        """\
command line: stage 'model' has no variant 'smal'
  model[smal].epochs=3
  ^
  Did you mean 'small'?
  Variants: small.
""",
    ),
    "an override without a value": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit}
""",
        ["model.epochs"],
        """\
command line: this override has no '='
  model.epochs
              ^
  Write KEY=VALUE, for example model.latent_dim=8 or model[als].factors=8.
""",
    ),
    "an override of nothing": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit}
""",
        ["=3"],
        """\
command line: the key of this override cannot be read
  =3
  ^
  Write KEY=VALUE, for example model.latent_dim=8 or model[als].factors=8.
""",
    ),
    "an override with a broken list": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit}
""",
        ["model.hidden=[1, 2"],
        """\
command line: the '[' that opens here is not closed
  model.hidden=[1, 2
               ^
  Close it with ']', and separate what is inside with commas.
""",
    ),
    "an override of the wrong type": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit}
""",
        ["model.epochs=ten"],
        """\
command line: the 'epochs' field of vae.fit must be a valid integer. Got "ten" instead.
  model.epochs=ten
               ^
  See `pipeline stages vae.fit`.
""",
    ),
    "an override of a top-level typo": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit}
""",
        ["sead=3"],
        """\
command line: 'sead' is no stage of this pipeline
  sead=3
  ^
  Did you mean 'seed'?
  Stages: images, model.
""",
    ),
    "a time that is none": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit, timeout: soon}
""",
        [],
        """\
test.yaml:3:35: the 'timeout' key of stages.model must be a time such as 90s, 10m or 1.5h. Got "soon" instead.
  3 |   model: {uses: vae.fit, timeout: soon}
                                        ^
""",
    ),
    "negative retries": (
        """\
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model: {uses: vae.fit, retries: -1}
""",
        [],
        """\
test.yaml:3:35: the 'retries' key of stages.model must be greater than or equal to 0. Got -1 instead.
  3 |   model: {uses: vae.fit, retries: -1}
                                        ^
""",
    ),
    "a plugin version that is not there": (
        """\
requires: {vae: '>=9'}
stages:
  images: {uses: data.images, with: {dataset: digits}}
""",
        [],
        """\
test.yaml:1:17: needs the plugin 'vae' >=9, but 0.1.0 is installed (experiment-pipeline)
  1 | requires: {vae: '>=9'}
                      ^
""",
    ),
    "a plugin that is not installed": (
        """\
requires: {vea: '>=0.1'}
stages:
  images: {uses: data.images, with: {dataset: digits}}
""",
        [],
        """\
test.yaml:1:17: needs the plugin 'vea' >=0.1, which is not installed
  1 | requires: {vea: '>=0.1'}
                      ^
""",
    ),
    "a version range that is none": (
        """\
requires: {vae: newest}
stages:
  images: {uses: data.images, with: {dataset: digits}}
""",
        [],
        """\
test.yaml:1:17: 'newest' is not a version range such as '>=0.1,<2'
  1 | requires: {vae: newest}
                      ^
""",
    ),
    "a plugin file that does not exist": (
        """\
plugins: [./countign.py]
stages:
  images: {uses: data.images, with: {dataset: digits}}
""",
        [],
        """\
test.yaml:1:11: the plugin file countign.py does not exist in {folder}
  1 | plugins: [./countign.py]
                ^
  Did you mean 'counting.py'?
""",
    ),
    "extends a file that does not exist": (
        """\
extends: bas.yaml
stages:
  images: {uses: data.images, with: {dataset: digits}}
""",
        [],
        """\
test.yaml:1:10: there is no file 'bas.yaml'
  1 | extends: bas.yaml
               ^
  Did you mean 'test.yaml'?
""",
    ),
    "several errors at once": (
        """\
naem: x
stages:
  images: {uses: data.imags}
  model: {uses: vae.fit, with: {epoch: 3}, inputs: {images: imges}}
""",
        [],
        """\
test.yaml:1:1: unknown key 'naem' of a pipeline file
  1 | naem: x
      ^
  Did you mean 'name'?
test.yaml:3:18: there is no stage 'data.imags'
  3 |   images: {uses: data.imags}
                       ^
  Did you mean 'data.images'?
test.yaml:4:33: unknown field 'epoch' of vae.fit
  4 |   model: {uses: vae.fit, with: {epoch: 3}, inputs: {images: imges}}
                                      ^
  Did you mean 'epochs'?
  See `pipeline stages vae.fit`.
test.yaml:4:61: input 'images' of stage 'model' names no stage: 'imges'
  4 |   model: {uses: vae.fit, with: {epoch: 3}, inputs: {images: imges}}
                                                                  ^
  Did you mean 'images'?
  Stages: images, model.
""",
    ),
}


def request(words):
    if words[:1] == ["--until"]:
        Pipeline.load("test.yaml", trust=True).plan.until(words[1])
    else:
        Pipeline.load("test.yaml", words, trust=True)


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_told_in_these_words(name, tmp_path, monkeypatch):
    text, words, expected = CASES[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("DATA_FLODER", raising=False)
    shutil.copy(Path(__file__).with_name("counting.py"), tmp_path)
    Path("test.yaml").write_text(text)

    with pytest.raises(RequestError) as caught:
        request(words)

    assert expected.replace("{folder}", str(tmp_path)) == str(caught.value) + "\n"
    assert all(len(problem.render().splitlines()) <= 6 for problem in caught.value.problems)
