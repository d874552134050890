"""The methods text of a run: one sentence per option and score (`sentences`), and its references."""

from napari_fmri_decoder.pipeline.methods.references import bibtex
from napari_fmri_decoder.pipeline.methods.statement import Statement
from napari_fmri_decoder.pipeline.methods.text import methods_table, methods_text, statements

__all__ = ["Statement", "bibtex", "methods_table", "methods_text", "statements"]
