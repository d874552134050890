"""Write tests/data/run-0.1: a study cut from the phantom, and its run by the package of commit 1f9ae0d.

Images and report are not kept: the tests make the images again.

Run with PYTHONPATH at the sources of that commit: python make.py FOLDER
"""

import sys
from pathlib import Path

import nibabel as nib
import numpy as np
from napari_fmri_decoder.samples.phantom import V1, make_phantom

from napari_fmri_decoder.pipeline import finish, run
from napari_fmri_decoder.pipeline.predicting import predict
from napari_fmri_decoder.recipe import load_recipe
from napari_fmri_decoder.training.bundle import load_bundle
from napari_fmri_decoder.volumes.read import read

folder = Path(sys.argv[1])
(folder / "study").mkdir(parents=True)
phantom = make_phantom()
middle = np.rint(nib.affines.apply_affine(np.linalg.inv(phantom.bold.affine), np.mean(V1, axis=0))).astype(
    int
)
box = tuple(slice(m - h, m + h) for m, h in zip(middle, (4, 3, 4), strict=True))
rows = np.flatnonzero((np.arange(384) % 64 < 32) & (np.arange(384) < 192))
affine = phantom.bold.affine.copy()
affine[:3, 3] = nib.affines.apply_affine(affine, [s.start for s in box])
image = nib.Nifti1Image(np.asarray(phantom.bold.data[box])[..., rows].astype(np.int16), affine)
image.header.set_xyzt_units("mm", "sec")
image.header["pixdim"][4] = 2
nib.save(image, folder / "study" / "bold.nii")
phantom.table.iloc[rows][["label", "run"]].to_csv(folder / "study" / "volumes.tsv", sep="\t", index=False)
(folder / "study" / "recipe.toml").write_text(
    '[data]\nimages = "bold.nii"\n[labels]\nsource = "table"\ntable = "volumes.tsv"\n'
    '[decoder]\nname = "linear"\nC = 0.1\n[null]\npermutations = 3\n[report]\nfigures = "none"\n'
    '[[compare]]\ndecoder = { name = "dummy" }\n'
)
recipe = load_recipe(folder / "study" / "recipe.toml")
finish(run(recipe, folder / "study", folder / "run"))
model = load_bundle(folder / "run" / "model.safetensors")
table, _ = predict(model, read(folder / "study" / "bold.nii"), (32, 32, 32))
table.to_csv(folder / "predicted.tsv", sep="\t", index=False, float_format="%.6g")
