"""BibTeX of the methods that a run can use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_fmri_decoder.pipeline.methods.statement import Statement


def _article(key: str, author: str, title: str, journal: str, year: int, doi: str) -> str:
    fields = {"author": author, "title": f"{{{title}}}", "journal": journal, "year": str(year), "doi": doi}
    return f"@article{{{key},\n" + "".join(f"  {k} = {{{v}}},\n" for k, v in fields.items()) + "}\n"


_ARTICLES = (
    ("Nichols2017", "Nichols, Thomas E. and others", "Best practices in data analysis and sharing in "
     "neuroimaging using MRI", "Nature Neuroscience", 2017, "10.1038/nn.4500"),
    ("Abraham2014", "Abraham, Alexandre and others", "Machine learning for neuroimaging with scikit-learn",
     "Frontiers in Neuroinformatics", 2014, "10.3389/fninf.2014.00014"),
    ("LedoitWolf2004", "Ledoit, Olivier and Wolf, Michael", "A well-conditioned estimator for "
     "large-dimensional covariance matrices", "Journal of Multivariate Analysis", 2004,
     "10.1016/S0047-259X(03)00096-4"),
    ("Varoquaux2017", "Varoquaux, Ga{\\\"e}l and others", "Assessing and tuning brain decoders: "
     "Cross-validation, caveats, and guidelines", "NeuroImage", 2017, "10.1016/j.neuroimage.2016.10.038"),
    ("PhipsonSmyth2010", "Phipson, Belinda and Smyth, Gordon K.", "Permutation P-values Should Never Be "
     "Zero: Calculating Exact P-values When Permutations Are Randomly Drawn", "Statistical Applications in "
     "Genetics and Molecular Biology", 2010, "10.2202/1544-6115.1585"),
    ("EtzelBraver2013", "Etzel, Joset A. and Braver, Todd S.", "MVPA Permutation Schemes: Permutation "
     "Testing in the Land of Cross-Validation", "International Workshop on Pattern Recognition in "
     "Neuroimaging", 2013, "10.1109/PRNI.2013.44"),
    ("Power2012", "Power, Jonathan D. and others", "Spurious but systematic correlations in functional "
     "connectivity MRI networks arise from subject motion", "NeuroImage", 2012,
     "10.1016/j.neuroimage.2011.10.018"),
    ("Lindquist2019", "Lindquist, Martin A. and others", "Modular preprocessing pipelines can reintroduce "
     "artifacts into fMRI data", "Human Brain Mapping", 2019, "10.1002/hbm.24528"),
    ("Guo2017", "Guo, Chuan and others", "On calibration of modern neural networks", "Proceedings of the "
     "34th International Conference on Machine Learning", 2017, "10.48550/arXiv.1706.04599"),
)  # fmt: skip

REFERENCES: dict[str, str] = {
    **{article[0]: _article(*article) for article in _ARTICLES},
    "Pedregosa2011": (
        "@article{Pedregosa2011,\n  author = {Pedregosa, Fabian and others},\n"
        "  title = {{Scikit-learn: Machine Learning in Python}},\n"
        "  journal = {Journal of Machine Learning Research},\n  volume = {12},\n  pages = {2825--2830},\n"
        "  year = {2011},\n}\n"
    ),
    "Paszke2019": (
        "@inproceedings{Paszke2019,\n  author = {Paszke, Adam and others},\n"
        "  title = {{PyTorch: An Imperative Style, High-Performance Deep Learning Library}},\n"
        "  booktitle = {Advances in Neural Information Processing Systems 32},\n  year = {2019},\n}\n"
    ),
    "napari-fmri-decoder": (
        "@software{napari-fmri-decoder,\n  author = {{napari-fmri-decoder developers}},\n"
        "  title = {{napari-fmri-decoder: decode brain activity in napari}},\n"
        "  url = {https://github.com/napari-fmri-decoder/napari-fmri-decoder},\n}\n"
    ),
}
"""BibTeX entries by key."""


def bibtex(statements: Sequence[Statement]) -> str:
    """Entries of everything that the statements cite, in their order."""
    keys = dict.fromkeys(key for one in statements for key in one.cites)
    return "\n".join(REFERENCES[key] for key in keys)
