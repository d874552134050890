"""Names of regions: tables in the formats that come with atlases, and damaged ones."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.atlas_names import find_names, read_names
from napari_fmri_decoder.volumes.read import read

FREESURFER = """\
#$Id: FreeSurferColorLUT.txt,v 1.38.2.1 2007/08/20 01:52:07 nicks Exp $

#No. Label Name:                            R   G   B   A

0   Unknown                                 0   0   0   0
1   Left-Cerebral-Exterior                  70  130 180 0
1001    ctx-lh-bankssts                     25  100 40  0
"""
ITK_SNAP = """\
# IDX   -R-  -G-  -B-  -A--  VIS MSH  LABEL
    0     0    0    0        0  0  0    "Clear Label"
    3     0    0  255        1  1  1    "Left amygdala"
"""
FSL = """<?xml version="1.0" encoding="ISO-8859-1"?>
<atlas version="1.0"><header><name>Harvard-Oxford</name><type>{type}</type><images>
<imagefile>/HO/HO-cort-prob-2mm</imagefile>
<summaryimagefile>/HO/HO-cort-maxprob-thr25-2mm</summaryimagefile></images></header><data>
<label index="0" x="48" y="94" z="35">Frontal Pole</label>
<label index="1" x="25" y="70" z="32">Insular Cortex</label></data></atlas>
"""
SPM = """<atlas><data><label><index>2001</index><name>Precentral_L</name></label>
<label><index>2002</index><name>Precentral_R</name></label></data></atlas>"""


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("bids_dseg.tsv", "index\tname\tcolor\n0\tn/a\t#0\n3\tLeft Insula\t#f00\n", {3: "Left Insula"}),
        ("swapped.tsv", "name\tindex\nLeft Insula\t3\n", {3: "Left Insula"}),
        ("bare.csv", "1,Insula\n2,Cuneus\n", {1: "Insula", 2: "Cuneus"}),
        ("german.csv", "index;name\n1;Insula\n", {1: "Insula"}),
        ("quoted.csv", 'id,region\n1,"Gyrus, left"\n', {1: "Gyrus, left"}),
        ("r.csv", '"","index","name"\n"1",1,"Insula"\n', {1: "Insula"}),
        ("mac.tsv", "\ufeffindex\tname\r1\tInsule\u0301\r2\tNA\r", {1: "Insul\u00e9"}),
        ("floats.csv", "index,name\n1.0,Insula\n", {1: "Insula"}),
        ("plain.txt", "1 Frontal Pole\n2 Insular Cortex\n", {1: "Frontal Pole", 2: "Insular Cortex"}),
        ("colons.txt", "1: Frontal Pole\n12: Area 44\n", {1: "Frontal Pole", 12: "Area 44"}),
        (
            "FreeSurferColorLUT.txt",
            FREESURFER,
            {0: "Unknown", 1: "Left-Cerebral-Exterior", 1001: "ctx-lh-bankssts"},
        ),
        ("snap.txt", ITK_SNAP, {0: "Clear Label", 3: "Left amygdala"}),
        ("label.xml", FSL.format(type="Label"), {0: "Frontal Pole", 1: "Insular Cortex"}),
        # the summary image of a probabilistic atlas is 0 outside of the regions
        ("prob.xml", FSL.format(type="Probabilistic"), {1: "Frontal Pole", 2: "Insular Cortex"}),
        ("AAL.xml", SPM, {2001: "Precentral_L", 2002: "Precentral_R"}),
        ("windows.txt", "﻿1 Insula\r\n2 Précuneus\r\n", {1: "Insula", 2: "Précuneus"}),
    ],
)
def test_common_table_formats_are_read(name: str, text: str, expected: dict[int, str], tmp_path: Path):
    path = tmp_path / name
    path.write_bytes(text.encode())
    assert read_names(path) == expected


def test_table_in_latin_1_is_read(tmp_path: Path):
    path = tmp_path / "names.txt"
    path.write_bytes("1 Précuneus\n".encode("latin-1"))
    assert read_names(path) == {1: "Précuneus"}


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        ("a.tsv", b"", "found none"),
        ("a.tsv", b"onset\tduration\n1\t2\n", "columns 'onset', 'duration'"),
        ("a.tsv", b"index\tname\nx\tInsula\n", "'x Insula'"),
        ("a.csv", b"index,name\n1\n", "row 1 of a.csv has 1, the header 2"),
        ("a.tsv", b"index\tname\tname\n1\tA\tB\n", "'name' 2 times"),
        ("a.csv", b"1,Insula\n1,Cuneus\n", "two names of 1, 'Insula' and 'Cuneus'"),
        ("a.txt", b"Insula\nCuneus\n", "'Cuneus'"),
        ("a.txt", b"1 Insula\x00\x01", "binary data"),
        ("a.txt", b"9" * 5000, "'9999"),
        ("a.xml", b"<atlas><data>", "invalid XML"),
        ("a.xml", b"<html><body/></html>", "found none"),
    ],
)
def test_damaged_table_gives_a_clear_error(name: str, raw: bytes, message: str, tmp_path: Path):
    path = tmp_path / name
    path.write_bytes(raw)
    with pytest.raises(InputError, match=message):
        read_names(path)


def test_missing_table_is_an_error(tmp_path: Path):
    with pytest.raises(InputError, match="must be a file that exists"):
        read_names(tmp_path / "none.tsv")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("image", "table", "text"),
    [
        ("atlas.nii.gz", "atlas.tsv", "index\tname\n1\tInsula\n"),
        ("atlas.mgz", "atlas_LUT.txt", "1 Insula\n"),
        ("atlas.nii", "atlas-labels.csv", "1,Insula\n"),
        # templateflow: one table for all resolutions
        ("tpl-X_res-01_atlas-S_dseg.nii.gz", "tpl-X_atlas-S_dseg.tsv", "index\tname\n1\tInsula\n"),
        # fMRIPrep: one table for all subjects
        ("sub-1/anat/sub-1_desc-aseg_dseg.nii.gz", "desc-aseg_dseg.tsv", "index\tname\n1\tInsula\n"),
        # FSL and nilearn's copy of it
        ("HO/HO-cort-maxprob-thr0-2mm.nii.gz", "HO-Cortical.xml", FSL.format(type="Label")),
        ("Parcels_order_MNI_1mm.nii.gz", "Parcels_order.txt", "1\tInsula\t120\t18\t131\t0\n"),
    ],
)
def test_table_is_found_in_the_usual_places(image: str, table: str, text: str, tmp_path: Path):
    _write(tmp_path / table, text)
    (tmp_path / image).parent.mkdir(parents=True, exist_ok=True)
    found = find_names(tmp_path / image)
    assert found is not None
    assert found[1] in ("Insula", "Insular Cortex")


def test_unrelated_tables_are_ignored(tmp_path: Path):
    """Tables of another segmentation or atlas, and files that are not tables."""
    _write(tmp_path / "sub-1_desc-aparcaseg_dseg.tsv", "index\tname\n1\tInsula\n")
    _write(tmp_path / "HO-Cortical.xml", FSL.format(type="Label"))
    _write(tmp_path / "sub-1.txt", "Notes of the session:\nslept well\n")
    _write(tmp_path / "participants.tsv", "participant_id\tage\nsub-1\t30\n")
    assert find_names(tmp_path / "sub-1_desc-aseg_dseg.nii.gz") is None


def _save(path: Path) -> Path:
    values = np.zeros((4, 4, 4), np.int16)
    values[:2], values[2:, 1:] = 3, 7
    nib.save(nib.Nifti1Image(values, np.eye(4)), path)
    return path


def test_atlas_opens_with_its_names(tmp_path: Path):
    _write(tmp_path / "my_atlas.tsv", "index\tname\n3\tInsula\n7\tCuneus\n")
    volume = read(_save(tmp_path / "my_atlas.nii.gz"))
    assert volume.kind == "atlas"
    assert volume.regions == {3: "Insula", 7: "Cuneus"}


def test_atlas_with_damaged_table_opens_with_a_note(tmp_path: Path):
    _write(tmp_path / "my_atlas.tsv", "index\tname\nthree\tInsula\n")
    path = _save(tmp_path / "my_atlas.nii.gz")
    volume = read(path)
    assert "without their names" in volume.notes[-1]
    assert "found 'three Insula' in my_atlas.tsv" in volume.notes[-1]
    assert volume.kind == "atlas"
    assert volume.regions == {}
