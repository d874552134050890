"""Files of maps that explain a model: NIfTI, and a JSON file that says what they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder.training.bundle.bundle import versions
from napari_fmri_decoder.training.tasks.store import write_text
from napari_fmri_decoder.volumes.derived_names import file_name
from napari_fmri_decoder.volumes.files import stem
from napari_fmri_decoder.volumes.nifti import write

if TYPE_CHECKING:
    from napari_fmri_decoder.pipeline.explaining import Explained


def map_file_name(explained: Explained) -> str:
    """Name of the image of some maps, with the entities of nilearn's statistical maps.

    Returns
    -------
    str
        Such as "stat-pattern_desc-lda_statmap.nii.gz"; "desc-ldaFolds" if it is a mean over folds.
    """
    parts = explained.method.title.replace("-", " ").split()
    stat = parts[0] + "".join(part.capitalize() for part in parts[1:])
    desc = explained.decoder.name + ("Folds" if explained.models == "folds" else "")
    return file_name(f"stat-{stat}_desc-{desc.replace('-', '')}_statmap") + ".nii.gz"


def describe_maps(explained: Explained) -> dict[str, Any]:
    """What some maps are, for the JSON file next to their image."""
    method, maps = explained.method, explained.maps
    return {
        "Description": f"{type(method).summary}. Decoder {explained.decoder.name}: {explained.source}.",
        "Method": method.written(),
        "Decoder": explained.decoder.written(),
        "Source": explained.source,
        "SeenInTraining": explained.seen,
        "Maps": list(maps.names),
        "Units": maps.unit or "arbitrary",
        "GeneratedBy": [{"Name": name, "Version": version} for name, version in versions().items()],
    }


def write_maps(explained: Explained, path: Path) -> list[Path]:
    """Write the image of some maps, and a JSON file of the same name next to it.

    Parameters
    ----------
    explained : Explained
    path : Path
        Ends in .nii or .nii.gz.

    Returns
    -------
    list of Path
        Both files.

    Raises
    ------
    InputError
        If they cannot be written; see `write`.
    """
    image = write(explained.volume, path)
    sidecar = image.with_name(f"{stem(image)}.json")
    content = json.dumps(describe_maps(explained), indent=2, ensure_ascii=False)
    write_text(sidecar, content + "\n")
    return [image, sidecar]
