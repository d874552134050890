"""The audit of a clean design and of real data, blocking and allowed findings."""

from __future__ import annotations

from pathlib import Path

import pytest
from audit_samples import codes, samples

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.audit import audit, blocking, severities
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.samples.masks import make_mask, parse_mask
from napari_fmri_decoder.samples.prepare import prepare
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits
from napari_fmri_decoder.volumes.read import read


def test_a_clean_design_has_no_findings():
    assert codes(samples()) == []


def test_errors_block_until_they_are_allowed_by_code():
    made = samples()
    splits = make_splits(SplitConfig(scheme="random"), made.table)
    findings = audit(made, splits)
    assert {f.code for f in blocking(findings)} == {"run-in-both-parts", "neighbours-across-split"}
    assert {f.code for f in blocking(findings, ["run-in-both-parts"])} == {"neighbours-across-split"}
    allowed = audit(made, splits, allow=["run-in-both-parts", "neighbours-across-split"])
    assert [f.allowed for f in allowed] == [True, True]
    assert blocking(allowed) == []


def test_every_code_is_in_the_docs_with_its_severity():
    page = (Path(__file__).parents[3] / "docs" / "audit.md").read_text(encoding="utf-8")
    for code, severity in severities().items():
        assert f"| `{code}` | {severity} |" in page


def test_an_unknown_code_is_an_error():
    codes = ", ".join(severities())
    with pytest.raises(InputError, match=f"run-in-both is not a code. The codes are: {codes}"):
        audit(samples(), [], allow=["run-in-both"])


def test_held_out_real_runs_are_clean_and_a_random_split_is_not(haxby):
    series = read(haxby / "bold.nii.gz")
    rows, _ = label_table(parse_labels({"source": "table", "table": "volumes.tsv"}), series, haxby)
    mask, _ = make_mask(parse_mask("mask.nii.gz"), series, haxby)
    config = PrepareConfig(detrend=True, standardize_runs=True)
    made = prepare(series, rows, config, mask=mask, exclude=["rest"])
    assert codes(made) == []
    (split,) = make_splits(SplitConfig(scheme="random"), made.table)
    block = made.table["block"]
    divided = set(block[split.train]) & set(block[split.test])
    assert block.nunique() == 96
    tested = made.table.iloc[split.test]
    trained = set(made.table["volume"].iloc[split.train])
    near = sum(
        any(v + d in trained for d in range(-4, 5)) for v in tested["volume"]
    )  # runs are further apart
    message = audit(made, [split])[0].message
    assert f"12 of 12 runs and {len(divided)} of 96 blocks" in message
    assert f"{near} of 173 test volumes have a training one within 4 volumes" in message
