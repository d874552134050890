"""Explanations: batched occlusion against a loop, and gradients against captum itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from captum.attr import IntegratedGradients, LayerGradCam
from numpy.typing import NDArray
from torch import nn

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.explain import explain_samples, get_explainer
from napari_fmri_decoder.samples.samples import Space
from napari_fmri_decoder.samples.scaling import identity
from napari_fmri_decoder.training.events import FittedModel
from napari_fmri_decoder.training.predict import module_of, network_inputs
from napari_fmri_decoder.volumes.frames import Grid, apply_affine
from timing import Row, finish, in_turn

SHAPE, SLABS, STEPS, RADIUS = (38, 50, 3), 77, 50, 8.0
SPHERES = 512
"""Voxels of one volume whose spheres are occluded: enough to fill several batches."""


def untrained(options: dict[str, object], space: Space) -> FittedModel:
    """A network with its initial weights."""
    decoder = get_decoder(options)
    input_shape = space.input_shape(decoder.layout)
    network = decoder.build(input_shape, 2)
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    return FittedModel(decoder, input_shape, 2, state, identity(space.n_features))


def loop(network: nn.Module, model: FittedModel, X: NDArray[np.float32], space: Space) -> None:
    """Occlude one sphere after another, one volume at a time."""
    points = apply_affine(space.grid.affine, np.argwhere(space.mask))
    with torch.inference_mode():
        network(network_inputs(model, X, space))
        for point in points:
            occluded = np.where(np.linalg.norm(points - point, axis=1) <= RADIUS, 0, X).astype(np.float32)
            network(network_inputs(model, occluded, space))


def main() -> None:
    """Measure both, and print the table."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    mask = np.zeros(SHAPE, dtype=bool)
    mask.ravel()[rng.permutation(mask.size)[:SPHERES]] = True
    few, whole = (Space(Grid(SHAPE, np.diag([4.0, 4, 4, 1])), m) for m in (mask, np.ones(SHAPE, dtype=bool)))
    rows = []
    for options in ({"name": "mlp", "hidden": 256}, {"name": "cnn2d"}):
        model, X = untrained(options, few), rng.normal(size=(1, SPHERES)).astype(np.float32)
        network, method = module_of(model), get_explainer({"name": "occlusion", "radius": RADIUS})
        sides: dict[str, Callable[[], object]] = {
            "ours": lambda m=method, f=model, x=X: explain_samples(m, f, x, few),
            "loop": lambda n=network, f=model, x=X: loop(n, f, x, few),
        }
        time = in_turn(sides, 3)
        rows.append(
            row(f"occlusion of {options['name']}, times faster", "one volume at a time", time, "loop")
        )
    model, X = untrained({"name": "cnn2d"}, whole), rng.normal(size=(SLABS, whole.n_features))
    rows += against_captum(model, X.astype(np.float32), whole)
    finish(rows)


def against_captum(model: FittedModel, X: NDArray[np.float32], space: Space) -> list[Row]:
    """Both classes of each slab, by ours and by captum on the same batch."""
    network, inputs = module_of(model), network_inputs(model, X, space).requires_grad_()
    integral, cam = IntegratedGradients(network), LayerGradCam(network, network.get_submodule("relu3"))
    both = {
        "integrated-gradients": (
            {"steps": STEPS},
            lambda k: integral.attribute(inputs, target=k, n_steps=STEPS, internal_batch_size=SLABS),
        ),
        "grad-cam": ({}, lambda k: cam.attribute(inputs, target=k)),
    }
    rows = []
    for name, (options, theirs) in both.items():
        method = get_explainer({"name": name, **options})
        sides: dict[str, Callable[[], object]] = {
            "ours": lambda m=method: explain_samples(m, model, X, space),
            "captum": lambda call=theirs: [call(k) for k in range(2)],
        }
        time = in_turn(sides, 1)
        rows.append(
            Row(
                f"{name}, {SLABS} slabs of cnn2d",
                "captum",
                f"{time['ours']:.3g} s",
                f"{time['captum']:.3g} s",
                time["ours"] / time["captum"],
                "<= 1.5",
            )
        )
    return rows


def row(what: str, peer: str, time: dict[str, float], theirs: str) -> Row:
    """How many times faster, at least 5."""
    ratio = time[theirs] / time["ours"]
    return Row(what, peer, f"{time['ours']:.3g} s", f"{time[theirs]:.3g} s", ratio, ">= 5")


if __name__ == "__main__":
    main()
