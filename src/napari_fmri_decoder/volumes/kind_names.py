"""Infer what an image shows from its name: BIDS suffixes, and whole words of other conventions.

Only whole words count, and the last meaningful one decides: "bold" in ``sub-con01_bold``, "zstat1" in
``bold_zstat1``. Parts of a subject's label or of a task's name are ignored.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from napari_fmri_decoder.volumes.files import stem

Shows = Literal["time", "scan", "stat", "mask", "labels", "probability"]
"""Content according to a name: a time series, a scan to view, maps, a mask, regions, their probabilities."""


class NameHint(NamedTuple):
    """Content according to a name.

    Attributes
    ----------
    shows : Shows
    word : str
        The part of the name that indicates it.
    rank : {"bids", "word", "weak"}
        A BIDS suffix; an unambiguous word; a word that may also occur in other names.
    """

    shows: Shows
    word: str
    rank: Literal["bids", "word", "weak"]


_SUFFIXES: dict[str, Shows] = {
    **dict.fromkeys(("bold", "cbv", "asl", "pet"), "time"),
    **dict.fromkeys(("sbref", "boldref", "dwi", "epi", "m0scan", "fieldmap", "phasediff"), "scan"),
    **dict.fromkeys(("phase1", "phase2", "phase", "magnitude", "magnitude1", "magnitude2"), "scan"),
    **dict.fromkeys(("t1w", "t2w", "t2star", "t2starw", "flair", "flash", "pdw", "pd", "pdt2"), "scan"),
    **dict.fromkeys(("inplanet1", "inplanet2", "angio", "unit1", "mp2rage", "megre", "mese", "vfa"), "scan"),
    **dict.fromkeys(("irt1", "mpm", "mts", "mtr", "t1map", "t2map", "t2starmap", "r1map", "r2map"), "scan"),
    **dict.fromkeys(("r2starmap", "pdmap", "mtsat", "mtrmap", "t1rho", "mwfmap", "chimap", "m0map"), "scan"),
    **dict.fromkeys(("swi", "minip", "s0map", "tb1map", "tb1tfl", "tb1rfm", "rb1map", "ct"), "scan"),
    **dict.fromkeys(("dseg", "parc", "aseg", "aparcaseg"), "labels"),
    "probseg": "probability",
    **dict.fromkeys(("mask", "roi", "defacemask"), "mask"),
    **dict.fromkeys(("statmap", "zmap", "tmap", "boldmap", "zstat", "tstat", "cope", "varcope"), "stat"),
}
_ENTITIES = frozenset(
    "sub ses task acq ce trc stain rec dir run mod echo flip inv mt part proc hemi space split recording "
    "chunk seg res den label desc tpl atlas cohort scale contrast stat model node from to mode".split()
)

_WORDS: tuple[tuple[Shows, str], ...] = (
    (
        "stat",
        r"[ztfrp]?stat_?maps?|[zt]_?maps?|[fp]_maps?|f_?stat\d*|[zt]_?stats?\d*|z[tf]stat\d*|[zt]_?scores?|"
        r"(?:var|z)?copes?\d*|[a-z0-9]*betas[a-z0-9]*|[swr]*(?:spm[tf]|beta|con|ess)_\d{4}|[swr]*spm[tf]|resms|rpv|"
        r"effect_(?:size|variance)s?|p_values?|beta_?maps?|con_?images?|contrast_?maps?|cbucket",
    ),
    ("mask", r"masks?|brain_?masks?"),
    (
        "labels",
        r"atlas(?:es)?|dseg|aparc|aseg|wmparc|parcellations?|\d*parcels|labels?|segmentation|pveseg|maxprob|"
        r"aal\d*|brodmann|schaefer\d*|destrieux|desikan|tournoux|basc\d*",
    ),
    ("probability", r"prob|probs|probseg|probabilit(?:y|ies)|prob_?(?:maps?|atlas)|pve_\d|msdl|difumo\d*"),
    (
        "time",
        r"bold\d*|fmri\d*|func\d*|functional|[rt]fmri|rsfmri|filtered_func_data|errts|fitts|res4d|all_runs",
    ),
    (
        "scan",
        r"t1w?|t2w?|t2star|t1map|t2map|flair|mprage|mp2rage|anat|anatomy|anatomical|struct|structural|"
        r"highres|dwi|sbref|boldref|example_func|mean_func|field_?maps?|fmaps?|b0_?maps?|b0|phase_?diff|"
        r"phases?\d?|magnitude\d?|mag|rads|swi|adc|rawavg",
    ),
)
_WEAK: tuple[tuple[Shows, str], ...] = (
    ("stat", r"[zt]|betas?|con|stats?|stats_reml|coefs?|effects?|[ztp]_?val(?:ue)?s?|pe\d+|bucket"),
    ("labels", r"seg|parc|rois|regions"),
    ("mask", r"roi"),
    ("time", r"epi|rest|run"),
)
"""Words that count only at the end of the name, except for numbers after them."""
_VIEWS = re.compile(r"\+(?:orig|tlrc|acpc)$", re.IGNORECASE)  # AFNI's spaces at the end of a name
_AFNI_FIRST: dict[str, Shows] = {
    **dict.fromkeys(("stats", "cbucket"), "stat"),
    **dict.fromkeys(("errts", "fitts", "all_runs"), "time"),
}


def is_entity(part: str) -> bool:
    """Whether a part of a file name is an entity of BIDS, such as ``run-2``.

    Examples
    --------
    >>> is_entity("run-2"), is_entity("my-scan"), is_entity("bold")
    (True, False, False)
    """
    key, dash, _ = part.partition("-")
    return bool(dash) and key in _ENTITIES


def name_hint(name: str) -> NameHint | None:
    """Infer from a file name what an image shows.

    Parameters
    ----------
    name : str
        With or without its ending.

    Returns
    -------
    NameHint or None
        None if the name does not indicate it.

    Examples
    --------
    >>> [name_hint(n).shows for n in ("sub-con01_bold.nii.gz", "zstat1.nii.gz", "con_0001.nii")]
    ['time', 'stat', 'stat']
    >>> name_hint("sub-stat01_run-1.nii") is None
    True
    """
    text = _VIEWS.sub("", stem(name))
    parts = text.split("_")
    keys = [part.partition("-")[0] for part in parts if "-" in part]
    if any(key in _ENTITIES for key in keys):
        return _of_bids(parts)
    first = text.lower().split(".")[0]
    if first in _AFNI_FIRST and "." in text:
        return NameHint(_AFNI_FIRST[first], first, "word")
    return _of_words(text)


def _of_bids(parts: list[str]) -> NameHint | None:
    """Read the suffix, else the entities ``stat`` and ``desc``."""
    last, entities = parts[-1], [part.partition("-") for part in parts]
    if "-" not in last and (shows := _SUFFIXES.get(last.lower())):
        return NameHint(shows, last, "bids")
    if any(key == "stat" for key, dash, _ in entities if dash):
        return NameHint("stat", next(p for p in parts if p.startswith("stat-")), "bids")
    key, dash, value = last.partition("-")
    tail = value if dash and key == "desc" else "" if dash else last
    free = [part for part, (key, dash, _) in zip(parts, entities, strict=True) if not dash]
    return _of_words("_".join(free)) if free and tail == last else _of_words(tail) if tail else None


def _of_words(text: str) -> NameHint | None:
    """Find the last meaningful word, or pair of words."""
    tokens = [t for t in re.split(r"[^A-Za-z0-9]+", text) if t]
    found: list[NameHint] = []
    for end in range(len(tokens), 0, -1):
        for start in (end - 3, end - 2, end - 1):
            word = "_".join(tokens[start:end]).lower() if start >= 0 else ""
            if shows := _match(_WORDS, word):
                found.append(NameHint(shows, word, "word"))
                break
    while tokens and tokens[-1].isdecimal():
        tokens.pop()
    weak = None
    for n in (2, 1):
        word = "_".join(tokens[-n:]).lower() if len(tokens) >= n else ""
        if weak is None and (shows := _match(_WEAK, word)):
            is_meant = len(tokens) == n or not word.startswith(
                "pe"
            )  # pe1 alone is from FSL, x_pe1 may be anything
            weak = NameHint(shows, word, "weak") if is_meant else None
    if not found or (weak is not None and not _ends_with(text, found[0].word)):
        return weak or (found[0] if found else None)
    last = found[0]
    if last.shows == "scan":  # a z-map in T1 space is a map
        return next((hint for hint in found if hint.shows == "stat"), last)
    return last


def _ends_with(text: str, word: str) -> bool:
    flat = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return flat.endswith(word) or re.sub(r"(?:_\d+)+$", "", flat).endswith(word)


def _match(table: tuple[tuple[Shows, str], ...], word: str) -> Shows | None:
    return next((shows for shows, pattern in table if word and re.fullmatch(pattern, word)), None)
