"""A small dataset as written by fMRIPrep: two subjects, two sessions, two runs each."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume

SHAPE, N, TR = (6, 7, 5), 24, 2.0
AFFINE = np.array([[3.0, 0, 0, -9], [0, 3, 0, -9], [0, 0, 3, -6], [0, 0, 0, 1]])
MNI = "space-MNI152NLin2009cAsym_res-2"
WITHOUT_EVENTS = "sub-02_ses-b_task-faces_run-02"
WITHOUT_CONFOUNDS = "sub-02_ses-a_task-faces_run-01"


def write_tree(root: Path) -> Path:
    """Write a raw dataset with `derivatives/fmriprep`; return the folder of the derivatives."""
    rng = np.random.default_rng(0)
    out = root / "derivatives" / "fmriprep"
    (root / "dataset_description.json").parent.mkdir(parents=True, exist_ok=True)
    (root / "dataset_description.json").write_text(json.dumps({"Name": "small", "BIDSVersion": "1.8.0"}))
    (root / "task-faces_bold.json").write_text(json.dumps({"RepetitionTime": TR, "TaskName": "faces"}))
    events = pd.DataFrame({"onset": [0, 8, 16, 24, 32, 40], "duration": 8.0})
    events["trial_type"] = ["face", "house", "face", "house", "face", "house"]
    labels = np.repeat(events["trial_type"], 4).to_numpy()
    mask = np.zeros(SHAPE, np.uint8)
    mask[1:5, 1:6, 1:4] = 1
    for sub in ("01", "02"):
        anat = out / f"sub-{sub}" / "anat"
        for name in (f"sub-{sub}_desc-preproc_T1w.nii.gz", f"sub-{sub}_{MNI}_desc-preproc_T1w.nii.gz"):
            write(Volume(np.ones(SHAPE, np.float32), AFFINE, "anatomy"), anat / name)
        for ses in ("a", "b"):
            for run in ("01", "02"):
                stem = f"sub-{sub}_ses-{ses}_task-faces_run-{run}"
                raw, func = (r / f"sub-{sub}" / f"ses-{ses}" / "func" for r in (root, out))
                data = rng.normal(100, 2, (*SHAPE, N))
                data[2, 2:4, 2] += 8 * (labels == "face")
                write(Volume(data.astype(np.float32), AFFINE, "bold", TR), raw / f"{stem}_bold.nii.gz")
                write(
                    Volume(data.astype(np.float32), AFFINE, "bold", TR),
                    func / f"{stem}_{MNI}_desc-preproc_bold.nii.gz",
                )
                own = mask.copy()
                own[1, 1, 1] = sub == "01"
                write(Volume(own, AFFINE, "mask"), func / f"{stem}_{MNI}_desc-brain_mask.nii.gz")
                if stem != WITHOUT_EVENTS:
                    events.to_csv(raw / f"{stem}_events.tsv", sep="\t", index=False)
                if stem != WITHOUT_CONFOUNDS:
                    motion = pd.DataFrame(
                        rng.normal(size=(N, 6)).cumsum(axis=0),
                        columns=[f"{kind}_{axis}" for kind in ("trans", "rot") for axis in "xyz"],
                    )
                    motion.to_csv(func / f"{stem}_desc-confounds_timeseries.tsv", sep="\t", index=False)
    return out
