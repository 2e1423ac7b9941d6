import torch

from plugins.meta.episodes import Episodes
from plugins.meta.learners import build
from plugins.meta.learners.matching import attention
from plugins.meta.learners.prototypes import prototypes
from plugins.meta.types import Problem


def test_a_prototype_is_the_mean_of_its_class():
    embedded = torch.tensor([[[0.0, 0.0], [2.0, 4.0], [5.0, 5.0]]])

    assert [[[1.0, 2.0], [5.0, 5.0]]] == prototypes(embedded, torch.tensor([[0, 0, 1]])).tolist()


def test_attention_gives_probabilities_that_add_up():
    generator = torch.Generator().manual_seed(0)
    support, query = (torch.randn(2, n, 6, generator=generator) for n in (6, 4))
    labels = torch.tensor([[0, 0, 1, 1, 2, 2]] * 2)

    logs = attention(support, labels, query, torch.tensor(5.0))

    similarity = torch.nn.functional.cosine_similarity(query[0, 0], support[0], dim=-1)
    assert torch.allclose(torch.ones(2, 4), logs.exp().sum(-1))
    assert torch.allclose((5 * similarity).softmax(0).view(3, 2).sum(1), logs[0, 0].exp(), atol=1e-6)


def test_the_nearest_neighbour_answers_as_its_neighbour():
    inputs = torch.tensor([[[0.0], [10.0]]])
    query = torch.tensor([[[9.0], [1.0]]])
    numbers = Episodes(inputs, torch.tensor([[[7.0], [8.0]]]), query, torch.zeros(1, 2, 1))
    classes = Episodes(inputs, torch.tensor([[1, 0]]), query, torch.zeros(1, 2))

    assert [[[8.0], [7.0]]] == build("nearest_neighbour", Problem((1,), 1, False), {}).predict(numbers, 1).tolist()
    assert [[0, 1]] == build("nearest_neighbour", Problem((1,), 2, True), {}).predict(classes, 1).argmax(-1).tolist()
