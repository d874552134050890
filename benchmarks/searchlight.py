"""A searchlight: LDA at many centers as one computation, against nilearn's SearchLight, center by center.

96 maps of 8 classes in 12 runs, leave one run out; a cube of 3 mm voxels with 5,000 centers of 8 mm. Either
side has one core. nilearn takes seconds for a few dozen centers, so it gets 24 of them; times are per center.
"""

from __future__ import annotations

import warnings
from typing import Any

import nibabel
import numpy as np
import torch
from nilearn.decoding import SearchLight
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.svm import LinearSVC

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.samples.centers.spheres import spheres
from napari_fmri_decoder.samples.samples import Space
from napari_fmri_decoder.samples.splits import Split
from napari_fmri_decoder.training.stacks import predict_stacked
from napari_fmri_decoder.training.stacks.stack import make_folds
from napari_fmri_decoder.volumes.frames import Grid
from timing import Row, finish, in_turn, memory_mib, short

RUNS, CLASSES, SIDE, RADIUS, THEIRS, WHOLE_BRAIN = 12, 8, 18, 8.0, 24, 60_000
AFFINE = np.diag([3.0, 3.0, 3.0, 1.0])


def main() -> None:
    """Measure, and finish."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    mask = np.zeros((SIDE + 10,) * 3, dtype=bool)
    inside = np.zeros(mask.shape, dtype=bool)
    mask[2:-2, 2:-2, 2:-2] = True  # the neighbors of all centers
    inside[5:-5, 5:-5, 5 : 5 + 5000 // SIDE**2 + 1] = True
    space = Space(Grid(mask.shape, AFFINE), mask)
    y = np.tile(np.arange(CLASSES), RUNS)
    runs = np.repeat(np.arange(RUNS), CLASSES)
    X = (
        rng.normal(size=(len(y), space.n_features)) + 0.3 * rng.normal(size=(CLASSES, space.n_features))[y]
    ).astype(np.float32)
    splits = [Split(str(r), np.flatnonzero(runs != r), np.flatnonzero(runs == r)) for r in range(RUNS)]
    found = spheres(space, RADIUS)
    centers = np.flatnonzero(inside[mask])[:5000]
    sets = [found.of(center) for center in centers.tolist()]
    folds = make_folds(X, y, CLASSES, splits)
    lda = get_decoder({"name": "lda"})

    def ours(n: int) -> dict[int, float]:
        scores: dict[int, float] = {}
        for numbers, predicted in predict_stacked(lda, X, folds, sets[:n]):
            hits = [(p == y[s.test]).mean(axis=1) for p, s in zip(predicted, splits, strict=True)]
            scores |= dict(zip(numbers.tolist(), np.mean(hits, axis=0), strict=True))
        return scores

    few = np.zeros(mask.shape, dtype=np.uint8)
    few[tuple(np.argwhere(mask)[centers[:THEIRS]].T)] = 1
    images = nibabel.Nifti1Image(np.moveaxis(space.paint(X, 0.0), 0, -1), AFFINE)

    def theirs(estimator: Any) -> Any:
        light = SearchLight(
            nibabel.Nifti1Image(mask.astype(np.uint8), AFFINE),
            process_mask_img=nibabel.Nifti1Image(few, AFFINE),
            radius=RADIUS,
            estimator=estimator,
            scoring="accuracy",
            cv=LeaveOneGroupOut(),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return light.fit(images, y, groups=runs).scores_[few > 0]

    their_lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    scores = ours(THEIRS)
    np.testing.assert_allclose([scores[i] for i in range(THEIRS)], theirs(their_lda), atol=1e-9)
    before = memory_mib("VmHWM")
    seconds = in_turn(
        {
            "ours": lambda: ours(len(sets)),
            "fifth": lambda: ours(len(sets) // 5),
            "lda": lambda: theirs(their_lda),
            "svm": lambda: theirs(LinearSVC()),
        },
        2,
    )
    more = memory_mib("VmHWM") - before
    each = {"ours": seconds["ours"] / len(sets) * 1e3}
    each |= {name: seconds[name] / THEIRS * 1e3 for name in ("lda", "svm")}
    mine = f"{short(each['ours'])} ms"
    rows = [
        Row(
            "LDA at a center",
            f"nilearn, {name}",
            mine,
            f"{short(each[key])} ms",
            each[key] / each["ours"],
            limit,
        )
        for key, name, limit in (("lda", "LDA", ">= 50"), ("svm", "LinearSVC", ">= 20"))
    ]
    linear = seconds["ours"] / seconds["fifth"] / 5
    rows.append(
        Row(
            "5,000 centers",
            "5 x 1,000",
            f"{short(seconds['ours'])} s",
            f"{short(seconds['fifth'])} s",
            linear,
            "<= 1.2",
        )
    )
    finish(
        rows,
        [
            f"Equal accuracies at {THEIRS} centers; spheres of {len(sets[0])} voxels. "
            f"Memory grew by {more:.0f} MiB. Projection for {WHOLE_BRAIN:,} centers on one core: "
            f"{WHOLE_BRAIN * each['ours'] / 60e3:.1f} min, and 1,000 permutations of it on 100 cores: "
            f"{WHOLE_BRAIN * each['ours'] * 1e3 / 3600e3 / 100:.1f} h."
        ],
    )


if __name__ == "__main__":
    main()
