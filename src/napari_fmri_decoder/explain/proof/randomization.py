"""Randomization: the map must change when the network's weights, or the labels it learned, are random.

Adebayo, J. et al. (2018), "Sanity checks for saliency maps", arXiv:1810.03292. Maps keep their signs:
absolute values of two unrelated maps already correlate through the input.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fmri_decoder.evaluation.label_permutation import permuted
from napari_fmri_decoder.explain.proof.fitting import fitted_on
from napari_fmri_decoder.explain.proof.maps import Case, above_diagonal, pairwise, similarity
from napari_fmri_decoder.explain.proof.result import Check, Similarity
from napari_fmri_decoder.explain.proof.thresholds import FLOOR_PERCENTILE, MOST_ALIKE
from napari_fmri_decoder.training.events import Progress
from napari_fmri_decoder.training.predict import module_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.training.events import FittedModel

State = dict[str, "NDArray[Any]"]


def random_state(model: FittedModel, seed: int) -> State:
    """Initial weights and statistics of the network of a model."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = model.decoder.build(model.input_shape, model.n_classes)
    return {name: value.detach().numpy() for name, value in network.state_dict().items()}


def stages(model: FittedModel) -> dict[str, tuple[str, ...]]:
    """Names of the weights of each layer, from the input; normalization belongs to the layer before it."""
    from torch import nn

    found: dict[str, tuple[str, ...]] = {}
    norms = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.LayerNorm)
    for name, layer in module_of(model).named_children():
        names = tuple(key for key in model.state if key.split(".")[0] == name)
        if isinstance(layer, norms) and found:
            found[next(reversed(found))] += names
        elif names:
            found[name] = names
    return found


def with_random(model: FittedModel, state: State, layers: Sequence[str]) -> FittedModel:
    """The model with the weights of some layers from another state."""
    of_layer = stages(model)
    names = {name for layer in layers for name in of_layer[layer]}
    return replace(model, state={key: state[key] if key in names else v for key, v in model.state.items()})


def model_randomization(case: Case) -> Steps[Progress, tuple[Check, tuple[Similarity, ...]]]:
    """Compare the map with those of networks with random layers: from the top down, and each alone.

    Yields
    ------
    Progress

    Returns
    -------
    check : Check
        Of the network with all layers random.
    similarities : tuple of Similarity
    """
    fold, n = case.folds[0], case.config.draws
    rows, layers = case.explained_rows(fold), list(stages(fold.model))
    true = case.map_of(fold.model, rows)
    states = [random_state(fold.model, case.seed(0, i)) for i in range(n)]
    plans = [(f"{layers[i]} to {layers[-1]}", layers[i:]) for i in reversed(range(1, len(layers)))]
    plans += [("all", layers), *((f"{layer} alone", [layer]) for layer in layers if len(layers) > 1)]
    listed, of_all = [], list[Any]()
    for done, (name, random) in enumerate(plans):
        yield Progress("model randomization", done, len(plans))
        maps = [case.map_of(with_random(fold.model, state, random), rows) for state in states]
        alike = np.array([similarity(true, one) for one in maps])
        listed.append(Similarity(name, float(alike.mean()), float(alike.min()), float(alike.max())))
        of_all = maps if name == "all" else of_all
    return _judge("model-randomization", true, of_all, "random networks"), tuple(listed)


def label_randomization(case: Case) -> Generator[Progress, None, Check]:
    """Compare the map with those of networks trained on labels permuted by blocks within runs."""
    fold, n = case.folds[0], case.config.draws
    rows = case.explained_rows(fold)
    maps = []
    for i in range(n):
        yield Progress("label randomization", i, n)
        samples = permuted(case.samples, case.config.seed, i + 1)
        model = yield from fitted_on(case, samples, fold.split, case.seed(1, i))
        maps.append(case.map_of(model, rows))
    true = case.map_of(fold.model, rows)
    return _judge("label-randomization", true, maps, "networks trained on permuted labels")


def _judge(test: str, true: NDArray[np.float64], maps: Sequence[NDArray[np.float64]], networks: str) -> Check:
    value = float(np.mean([similarity(true, one) for one in maps]))
    floor = float(np.percentile(above_diagonal(pairwise(maps)), FLOOR_PERCENTILE))
    limit = min(floor, MOST_ALIKE)
    detail = (
        f"mean rank correlation with the maps of {len(maps)} {networks}; the {FLOOR_PERCENTILE:g}th "
        f"percentile between two of them is {floor:.3g}"
    )
    return Check(test, value <= limit, value, f"<= {limit:.3g}", detail)
