"""A bundle as an ONNX file, for programs that use neither torch nor this package.

The input of the graph is voxels as prepared, not scaled; the graph contains screening, scaling, whitening,
arranging, the network and the softmax. A file is written only if onnxruntime gives the same probabilities as
the bundle.
"""

from __future__ import annotations

import base64
import json
import logging
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from napari_fmri_decoder.atomic_files import replacing
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.formatting import format_bytes
from napari_fmri_decoder.training.bundle.bundle import versions
from napari_fmri_decoder.training.predict import module_of, predict_proba

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.bundle.bundle import Bundle
    from napari_fmri_decoder.training.events import FittedModel

ONNX_FORMAT = 1
"""Format of the metadata in the file, and of the inputs and outputs of the graph."""
TOLERANCE = 1e-4
"""Largest difference between a probability of the exported graph and the bundle's."""
OPSET = 18
LARGEST = 2**31 - 2**20
"""Most bytes of weights: protobuf, the encoding of ONNX, is limited to 2 GiB."""

_NEEDED = ("onnx", "onnxruntime", "onnxscript")


@dataclass(frozen=True, slots=True)
class Exported:
    """An ONNX file, and the largest difference between its probabilities and the bundle's."""

    path: Path
    difference: float


class _FullModel(nn.Module):
    """All steps from prepared voxels to probabilities: the mean of those of all networks."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__()
        models = bundle.model, *bundle.model.others
        self.networks = nn.ModuleList(_OneNetwork(model, bundle.space) for model in models)

    def forward(self, voxels: torch.Tensor) -> torch.Tensor:
        """Compute (n, classes) probabilities from (n, features) voxels."""
        found = [network(voxels) for network in self.networks]
        return found[0] if len(found) == 1 else torch.stack(found).mean(dim=0)


class _OneNetwork(nn.Module):
    """All steps from prepared voxels to the probabilities of one network."""

    screened: torch.Tensor | None
    mean: torch.Tensor
    std: torch.Tensor
    scale: torch.Tensor
    axes: torch.Tensor
    gains: torch.Tensor
    places: torch.Tensor | None

    def __init__(self, model: FittedModel, space: Space) -> None:
        super().__init__()
        space = space.only(model.screened)
        self.network = module_of(model)
        self.input_shape = model.input_shape
        screened = None if model.screened is None else torch.tensor(np.flatnonzero(model.screened))
        self.register_buffer("screened", screened)
        self.register_buffer("mean", torch.tensor(model.scaler.mean))
        self.register_buffer("std", torch.tensor(model.scaler.std))
        self.whitens = model.whitening is not None
        if model.whitening is not None:
            self.register_buffer("scale", torch.tensor(model.whitening.scale))
            self.register_buffer("axes", torch.tensor(model.whitening.axes))
            self.register_buffer("gains", torch.tensor(model.whitening.gains))
        # Source of each value of the arranged sample; 0 is a column of zeros before the voxels.
        numbered: NDArray[Any] = np.arange(1, space.n_features + 1)[None]
        places = space.arrange(numbered, model.decoder.layout).ravel()
        self.register_buffer(
            "places", None if model.decoder.layout == "vector" else torch.tensor(places.astype(np.int64))
        )

    def forward(self, voxels: torch.Tensor) -> torch.Tensor:
        """Compute (n, classes) probabilities from (n, features) voxels."""
        if self.screened is not None:
            voxels = voxels.index_select(1, self.screened)
        values = (voxels - self.mean) / self.std
        if self.whitens:
            values = values * self.scale
            values = values + (values @ self.axes.T * self.gains) @ self.axes
        if self.places is not None:
            values = nn.functional.pad(values, (1, 0)).index_select(1, self.places)
            values = values.reshape(-1, *self.input_shape)
        return torch.softmax(self.network(values), dim=1)


def export_onnx(bundle: Bundle, path: str | os.PathLike[str]) -> Exported:
    """Write a bundle as one ONNX file, and compare its results in onnxruntime.

    The file's input `voxels` is (n, features) float32, of any n: the voxels of the mask in C order,
    cleaned as in the training, not scaled, without NaN. Its output `probabilities` is (n, classes).
    Its metadata say which voxels these are; see `metadata_of`.

    Parameters
    ----------
    bundle : Bundle
    path : path
        Usually ends in .onnx; missing folders are created. An existing file of that name is replaced only
        when the new one is complete and has been compared.

    Returns
    -------
    Exported

    Raises
    ------
    InputError
        If the packages for ONNX are missing, the model is too large for one file, the file cannot be
        written, or onnxruntime gives other results than the bundle.
    """
    _check_packages()
    models = bundle.model, *bundle.model.others
    size = sum(value.nbytes for model in models for value in model.state.values())
    if size > LARGEST:
        raise InputError(
            f"A model in one ONNX file must have less than 2 GiB of weights, found {format_bytes(size)}. "
            "Train a model with fewer units, or on fewer voxels."
        )
    content = onnx_graph(bundle)
    difference = _compare(bundle, content)
    target = Path(path)
    try:
        with replacing(target) as partial:
            partial.write_bytes(content)
    except OSError as error:
        raise InputError(
            f"The ONNX file cannot be written to {target}: {error.strerror or error}. Choose another folder, "
            "or free disk space."
        ) from error
    return Exported(target, difference)


def metadata_of(bundle: Bundle) -> dict[str, str]:
    """Describe the inputs and outputs, as the text entries of an ONNX file.

    Returns
    -------
    dict of str to str
        `format`; JSON of `classes` (in the order of the probabilities), `grid_shape`, `grid_affine`
        (4 x 4, voxel index to scanner RAS+ mm), `decoder`, `versions` and `trained_with`; `mask`, the
        voxels of the grid that are features, in C order, eight to a byte (`numpy.packbits`) in base64;
        `recipe` as TOML.
    """
    space = bundle.space
    return {
        "format": str(ONNX_FORMAT),
        "classes": json.dumps(bundle.classes),
        "grid_shape": json.dumps(space.grid.shape),
        "grid_affine": json.dumps(space.grid.affine.tolist()),
        "mask": base64.b64encode(np.packbits(space.mask).tobytes()).decode(),
        "decoder": bundle.model.decoder.model_dump_json(),
        "recipe": bundle.recipe,
        "versions": json.dumps(versions()),
        "trained_with": json.dumps(bundle.versions),
    }


def _check_packages() -> None:
    missing = []
    for name in _NEEDED:
        try:
            import_module(name)
        except ImportError:
            missing.append(name)
    if missing:
        raise InputError(
            f"Export to ONNX needs the packages {', '.join(_NEEDED)}, but {', '.join(missing)} cannot be "
            'imported. Install them: python -m pip install "napari-fmri-decoder[onnx]".'
        )


def onnx_graph(bundle: Bundle) -> bytes:
    """Export scaling, network and probabilities as one ONNX model; returns its serialized bytes."""
    import onnx

    full_model = _FullModel(bundle).eval()
    two = torch.zeros((2, bundle.space.n_features))  # with one sample the size would be fixed
    with _quiet(), torch.no_grad():
        exported = torch.onnx.export(
            full_model,
            (two,),
            dynamo=True,
            opset_version=OPSET,
            input_names=["voxels"],
            output_names=["probabilities"],
            dynamic_shapes=({0: torch.export.Dim("n", min=1)},),
            verbose=False,
        )
    model = cast("torch.onnx.ONNXProgram", exported).model_proto  # only the old exporter returns None
    _forget_source(model.graph)
    onnx.helper.set_model_props(model, metadata_of(bundle))
    model.producer_name, model.producer_version = "napari-fmri-decoder", versions()["napari-fmri-decoder"]
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _forget_source(graph: Any) -> None:
    """Remove what the exporter stored about its source: paths of this machine, in the node of each layer."""
    graph.ClearField("metadata_props")
    for kind in (graph.node, graph.input, graph.output, graph.value_info, graph.initializer):
        for one in kind:
            one.ClearField("metadata_props")


def _compare(bundle: Bundle, content: bytes) -> float:
    """Largest difference between the probabilities of graph and bundle, on voxels like the training data."""
    import onnxruntime

    features = bundle.space.n_features
    mean, std = np.zeros(features, np.float32), np.ones(features, np.float32)
    voxels = slice(None) if bundle.model.screened is None else bundle.model.screened
    mean[voxels], std[voxels] = bundle.model.scaler.mean, bundle.model.scaler.std
    X = (mean + std * np.random.default_rng(0).normal(size=(5, features))).astype(np.float32)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(["probabilities"], {"voxels": X})
    difference = float(np.abs(found - predict_proba(bundle.model, X, bundle.space)).max())
    if not difference <= TOLERANCE:
        raise InputError(
            f"The results of onnxruntime must agree with the model to {TOLERANCE:g}, but differ by "
            f"{difference:.2g}. No file was written; try other versions of torch, onnx and onnxruntime."
        )
    return difference


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the exporter's messages to developers."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
