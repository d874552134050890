"""Captum's infidelity and sensitivity: printed, never deciding.

Yeh, C.-K. et al. (2019), "On the (in)fidelity and sensitivity of explanations", arXiv:1901.09392.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.explain.base import explain_samples
from napari_fmri_decoder.explain.evidence import (
    LOGIT,
    InputAttribution,
    scaled_voxels,
    voxel_network,
)
from napari_fmri_decoder.explain.proof.result import Check

if TYPE_CHECKING:
    import torch

    from napari_fmri_decoder.explain.proof.maps import Case

PERTURBATIONS = 50
"""Random perturbations of each sample."""
NOISE = 0.1
"""Their standard deviation, in standard deviations of the voxel in the training set."""
SMALLEST = 1e-3
"""Smallest voxel that a change is divided by."""
RADIUS = 0.02
"""Largest change of a voxel for the sensitivity: captum's default."""


def infidelity_and_sensitivity(case: Case) -> tuple[Check, Check]:
    """Compute both for the held-out samples of the first fold, for the class of each sample."""
    import torch
    from captum.metrics import infidelity, sensitivity_max

    fold, method, samples = case.folds[0], case.method, case.samples
    rows = case.explained_rows(fold)
    X, targets = samples.X[rows], torch.tensor(samples.y[rows])
    network, inputs = voxel_network(fold.model, samples.space), scaled_voxels(fold.model, X)
    used = slice(None) if fold.model.screened is None else fold.model.screened
    found = explain_samples(method, fold.model, X, samples.space)
    values = found.values[:, :, samples.space.mask][:, :, used]
    of_class = values[np.arange(len(rows)) if method.per_sample else 0, samples.y[rows]]
    divide = found.unit == LOGIT

    def perturbed(voxels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        change = NOISE * torch.randn_like(voxels)
        # A map in logits is of the whole input: its part is the change divided by the input.
        part = change / voxels.where(voxels.abs() > SMALLEST, torch.tensor(SMALLEST)) if divide else change
        return part, voxels - change

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(case.config.seed)
        wrong = infidelity(
            network,
            perturbed,
            inputs,
            torch.tensor(of_class, dtype=torch.float32),
            target=targets,
            n_perturb_samples=PERTURBATIONS,
            normalize=True,
        )
        first = Check(
            "infidelity",
            None,
            float(wrong.mean()),
            "",
            f"captum, noise of {NOISE:g} standard deviations, scaled to the best factor; smaller is better",
        )
        if not isinstance(method, InputAttribution):
            return first, Check("sensitivity", None, None, "", "captum needs a method of single inputs")

        def explained(voxels: tuple[torch.Tensor, ...], target: torch.Tensor) -> tuple[torch.Tensor, ...]:
            found = [
                method.attribute(network, voxels[0].requires_grad_(), k) for k in range(len(samples.classes))
            ]
            return (torch.stack(found, dim=1)[torch.arange(len(target)), target].detach(),)

        most = sensitivity_max(explained, inputs, perturb_radius=RADIUS, target=targets)
    detail = f"captum, largest relative change of the map if voxels change by {RADIUS:g}; smaller is better"
    return first, Check("sensitivity", None, float(most.mean()), "", detail)
