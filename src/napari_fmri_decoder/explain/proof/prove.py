"""All tests of a map, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.explain.proof.captum_measures import infidelity_and_sensitivity
from napari_fmri_decoder.explain.proof.config import ProofConfig
from napari_fmri_decoder.explain.proof.faithfulness import faithfulness
from napari_fmri_decoder.explain.proof.maps import Case, similarity
from napari_fmri_decoder.explain.proof.randomization import label_randomization, model_randomization
from napari_fmri_decoder.explain.proof.result import Check, Proof, Similarity
from napari_fmri_decoder.explain.proof.roar import roar
from napari_fmri_decoder.explain.proof.stability import stability
from napari_fmri_decoder.training.events import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.decoders.base import Decoder
    from napari_fmri_decoder.explain.base import Explainer
    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.training.config import ResolvedTraining
    from napari_fmri_decoder.training.events import FoldResult


def prove(
    method: Explainer,
    samples: Samples,
    folds: Sequence[FoldResult],
    decoder: Decoder,
    training: ResolvedTraining,
    config: ProofConfig | None = None,
) -> Steps[Progress, Proof]:
    """Test the maps of a method by the models of a cross-validation.

    Parameters
    ----------
    method : Explainer
        Of maps of classes on the voxels of the slab.
    samples : Samples
    folds : sequence of FoldResult
        Their models are explained, each by the samples that it held out.
    decoder : Decoder
    training : ResolvedTraining
        How the folds were trained: some tests train again.
    config : ProofConfig, optional

    Yields
    ------
    Progress
        Closing the generator stops.

    Returns
    -------
    Proof

    Raises
    ------
    InputError
        If the method cannot explain the models, or the map has no signal.
    """
    case = Case(method, samples, folds, decoder, training, config or ProofConfig())
    if not folds:
        raise InputError("Tests of a map need a model that held samples out, found none. Train with folds.")
    first = case.map_of(folds[0].model, case.explained_rows(folds[0]))
    if not np.ptp(first, axis=1).any():
        raise InputError(
            f"A map must differ between voxels to be tested, but that of {method.name} is constant. Train "
            "the model longer, or choose another method."
        )
    checks: list[Check] = []
    similarities: tuple[Similarity, ...] = ()
    leave_out = case.config.leave_out
    if "model-randomization" not in leave_out:
        check, similarities = yield from model_randomization(case)
        checks.append(check)
    steps = {
        "label-randomization": label_randomization,
        "faithfulness": faithfulness,
        "roar": roar,
        "stability": stability,
    }
    for name, test in steps.items():
        if name not in leave_out:
            checks.append((yield from test(case)))
    if "captum" not in leave_out:
        yield Progress("infidelity and sensitivity", 0, 1)
        checks += infidelity_and_sensitivity(case)
    if "plausibility" not in leave_out:
        checks.append(plausibility(case, first))
    checks += [Check(name, None, None, "", "left out") for name in leave_out]
    return Proof(method.name, tuple(checks), similarities)


def plausibility(case: Case, values: NDArray[np.float64]) -> Check:
    """Rank correlation of the map with the contrast of each class against the others; it never decides.

    Faithful maps agree less with the GLM: Thomas, A. W., Ré, C. and Poldrack, R. A. (2023), "Benchmarking
    explanation methods for mental state decoding with deep learning models", NeuroImage 273.
    """
    return Check(
        "plausibility",
        None,
        similarity(values, contrasts(case.samples)),
        "",
        "rank correlation with the t contrast of each class against the others",
    )


def contrasts(samples: Samples) -> NDArray[np.float64]:
    """The t value of each class against all others, voxel by voxel, (classes, features); 0 if constant."""
    from scipy.stats import ttest_ind

    X, y, rows = samples.X.astype(np.float64), samples.y, []
    varying = np.ptp(X, axis=0) > 0
    for k in range(len(samples.classes)):
        t = np.zeros(X.shape[1])
        t[varying] = ttest_ind(X[y == k][:, varying], X[y != k][:, varying]).statistic
        rows.append(t)
    return np.nan_to_num(np.stack(rows))
