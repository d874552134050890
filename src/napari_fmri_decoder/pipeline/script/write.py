"""Write the script of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_fmri_decoder.decoders import NetworkDecoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline.run_files import LAYERS, VOLUMES
from napari_fmri_decoder.pipeline.saved_run import read_saved_run
from napari_fmri_decoder.pipeline.script.refusals import check_expressible
from napari_fmri_decoder.recipe.images import image_files
from napari_fmri_decoder.training.bundle.bundle import load_bundle
from napari_fmri_decoder.training.seeds import derive_seed
from napari_fmri_decoder.training.tasks.store import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from napari_fmri_decoder.pipeline.saved_run import SavedRun
    from napari_fmri_decoder.training.bundle.bundle import Bundle

GROUPS = {"leave-one-subject-out": 1, "leave-one-session-out": 2, "leave-one-run-out": 3}
"""How many of subject, session and run name what a scheme holds out."""


def script_of_run(folder: Path) -> str:
    """Write a finished run as a script of nilearn, scikit-learn and torch.

    Parameters
    ----------
    folder : Path
        The run folder. The script reads the images, and from this folder the mask of the decoded voxels, on
        the grid of the slab if there is one, and label and run of each volume.

    Returns
    -------
    str
        At most 120 lines, without this package. It gives the predictions of the run.

    Raises
    ------
    InputError
        If the folder contains no finished run, or an option cannot be expressed.
    """
    run = read_saved_run(folder)
    check_expressible(run.recipe)
    if not (run.folder / VOLUMES).is_file():
        raise InputError(
            f"A script needs label and run of each volume, but {run.folder} has no {VOLUMES}: an earlier "
            "version wrote this run. Train again."
        )
    from jinja2 import Environment, PackageLoader, StrictUndefined  # takes 0.1 s to load

    environment = Environment(  # the result is Python, not HTML: every value is written by repr
        loader=PackageLoader("napari_fmri_decoder.pipeline.script", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    bundle = load_bundle(run.folder / "model.safetensors")
    return environment.get_template("script.py.jinja").render(_content(run, bundle))


def write_script(folder: Path, path: Path) -> None:
    """Write the script of a run to a file; see `script_of_run`."""
    text = script_of_run(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)


def _content(run: SavedRun, bundle: Bundle) -> dict[str, Any]:
    """Values of the template."""
    recipe = run.recipe
    config = recipe.training.resolved(recipe.decoder)
    images = image_files(recipe.data.images, run.folder)
    return {
        "images": [path.as_posix() for path in images],
        "mask": (run.folder / LAYERS / "mask.nii.gz").as_posix(),
        "table": (run.folder / VOLUMES).as_posix(),
        "classes": list(bundle.classes),
        "recipe": recipe,
        "config": config,
        "interpolation": recipe.slab.interpolation if recipe.slab else "continuous",
        "group": GROUPS[recipe.split.scheme],
        "seeds": [derive_seed(config.seed, fold) for fold in range(len(run.scores.folds))],
        "layers": _layers(bundle) if isinstance(recipe.decoder, NetworkDecoder) else [],
        "layout": recipe.decoder.layout,
        "axis": bundle.space.axis,
    }


def _layers(bundle: Bundle) -> list[str]:
    """The layers of a network, as the lines that make them.

    Raises
    ------
    InputError
        If a layer is not torch's own.
    """
    import torch

    model = bundle.model
    with torch.device("meta"):
        network = model.decoder.build(model.input_shape, model.n_classes)
    for layer in network:
        if not type(layer).__module__.startswith("torch.nn.modules") or list(layer.children()):
            raise InputError(
                f"A plain script can have torch's own layers, but {model.decoder.name} has "
                f"{type(layer).__name__}. Write scripts of runs with other networks."
            )
    return [repr(layer) for layer in network]
