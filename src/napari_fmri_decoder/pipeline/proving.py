"""Tests of the maps of a run: whether they show what its models have learned."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder.explain import get_explainer
from napari_fmri_decoder.explain.proof.prove import prove
from napari_fmri_decoder.training.tasks.store import write_text
from napari_fmri_decoder.volumes.files import stem

if TYPE_CHECKING:
    from pathlib import Path

    from napari_fmri_decoder.explain.proof.config import ProofConfig
    from napari_fmri_decoder.explain.proof.result import Proof
    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.pipeline.events import RunResult
    from napari_fmri_decoder.training.events import Progress


def prove_run(
    result: RunResult, options: dict[str, Any], config: ProofConfig | None = None
) -> Steps[Progress, Proof]:
    """Test the maps of a method by the models of the folds of a run; see `prove`.

    Parameters
    ----------
    result : RunResult
    options : dict
        `name` of the method, and its options.
    config : ProofConfig, optional

    Raises
    ------
    InputError
        If the maps of the method cannot be tested.
    """
    recipe = result.recipe
    training = recipe.training.resolved(recipe.decoder)
    samples = result.prepared.samples
    proof = yield from prove(get_explainer(options), samples, result.folds, recipe.decoder, training, config)
    return proof


def write_proof(proof: Proof, image: Path) -> Path:
    """Write all results next to the image of the maps, as NAME_proof.json; add the line to its JSON file.

    Parameters
    ----------
    proof : Proof
    image : Path
        Written by `write_maps`.

    Returns
    -------
    Path
    """
    target, sidecar = (image.with_name(f"{stem(image)}{end}.json") for end in ("_proof", ""))
    write_text(target, json.dumps(proof.to_dict(), indent=2, ensure_ascii=False) + "\n")
    about = json.loads(sidecar.read_text(encoding="utf-8"))
    about |= {"Proof": proof.line, "ProofPassed": proof.passed}
    write_text(sidecar, json.dumps(about, indent=2, ensure_ascii=False) + "\n")
    return target
