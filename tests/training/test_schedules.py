"""Schedules against torch's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, MultiStepLR

from napari_fmri_decoder.decoders.mlp import MLP
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.events import FitDone
from napari_fmri_decoder.training.fit import fit
from napari_fmri_decoder.training.schedules import rate_factor, set_rate

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples


@pytest.mark.parametrize("schedule", ["constant", "cosine", "step"])
def test_rates_are_those_of_torch(schedule: str) -> None:
    epochs = 20
    optimizers = [torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3) for _ in range(2)]
    theirs: LRScheduler = {
        "constant": lambda o: MultiStepLR(o, []),
        "cosine": lambda o: CosineAnnealingLR(o, T_max=epochs),
        "step": lambda o: MultiStepLR(o, [10, 15], gamma=0.1),
    }[schedule](optimizers[1])
    for epoch in range(1, epochs + 1):
        set_rate(optimizers[0], 0.3 * rate_factor(schedule, epoch, epochs))
        assert optimizers[0].param_groups[0]["lr"] == pytest.approx(theirs.get_last_lr()[0], abs=1e-12)
        optimizers[1].step()
        theirs.step()


def test_a_falling_rate_reaches_the_steps(toy: Samples) -> None:
    """With a last rate of about zero the weights hardly move at the end; the first epoch is the same."""

    def weights(schedule: str, epochs: int) -> torch.Tensor:
        config = TrainingConfig(epochs=20, schedule=schedule, threads=1, device="cpu")
        events = fit(
            MLP(hidden=4, dropout=0),
            toy.X,
            toy.y,
            3,
            toy.space,
            config.resolved(MLP(hidden=4, dropout=0)),
            seed=0,
            epochs=epochs,
        )
        (model,) = (e.model for e in events if isinstance(e, FitDone))
        return torch.tensor(model.state["out.weight"])

    assert torch.equal(weights("constant", 1), weights("cosine", 1))
    steps = {s: (weights(s, 20) - weights(s, 19)).abs().max() for s in ("constant", "cosine", "step")}
    assert steps["cosine"] < 0.1 * steps["constant"]
    assert steps["step"] < 0.1 * steps["constant"]
