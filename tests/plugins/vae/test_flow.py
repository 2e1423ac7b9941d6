import torch
from torch.autograd.functional import jacobian

from plugins.vae.models.flow import planar


def parameters(seed, d=3):
    u, w, b = (
        torch.randn(n, generator=torch.Generator().manual_seed(seed + i)).double() * 2 for i, n in enumerate((d, d, 1))
    )
    return u, w, b


def test_the_log_determinant_is_that_of_the_jacobian():
    for seed in range(20):
        z = torch.randn(3, generator=torch.Generator().manual_seed(100 + seed)).double()
        flow = parameters(seed)

        _, log_determinant = planar(z, *flow)

        matrix = jacobian(lambda value, flow=flow: planar(value, *flow)[0], z)
        assert torch.allclose(torch.linalg.slogdet(matrix).logabsdet, log_determinant)
        assert torch.linalg.det(matrix) > 0


def test_a_flow_that_does_not_push_is_the_identity():
    z = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))

    moved, log_determinant = planar(z, torch.zeros(3), torch.full((3,), 1e-3), torch.zeros(1))

    assert torch.allclose(z, moved, atol=1e-4)
    assert torch.allclose(torch.zeros(5), log_determinant, atol=1e-4)
