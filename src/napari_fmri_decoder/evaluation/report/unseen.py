"""What no audit can see: the list in docs/audit.md, which the report quotes."""

from __future__ import annotations

UNSEEN = (
    "Labels used before the images were written: denoising, component selection or a general linear model "
    "fitted with the labels over the whole series, including the test runs.",
    "Maps from one model across runs: betas or z-maps of a run that share a baseline, a filter or a noise "
    "estimate with the maps of other runs.",
    "Settings tried by hand: networks, masks, lags or preparation steps chosen because they raised the score "
    "on these test sets. Choose them inside the training sets (select), or test the final choice on new "
    "data.",
    "Voxels chosen elsewhere with these labels: a mask from a localizer is safe, a mask from a contrast of "
    "the same runs is not. The audit only compares the mask with other voxels of these images.",
    "Behavior that goes with the labels: gaze, button presses, effort, arousal or motion that was not "
    "recorded.",
    "Confounds between subjects, such as scanner, site or group, if each subject has one label.",
    "Runs, subjects or conditions that were left out because of their score.",
    "Wrong labels or times: a score at chance can come from an events file of another run.",
)
"""One sentence or two each."""
