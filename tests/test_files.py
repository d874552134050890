"""Files as users give them: regular ones alone are opened, in whichever Unicode form."""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path

import pytest

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import check_regular, existing, read_text
from napari_fmri_decoder.text import nfc, printable


def test_a_byte_order_mark_is_no_part_of_a_text(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbflabel\r\n")

    assert read_text(tmp_path / "a.txt", "table") == "label\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are of POSIX")
def test_a_pipe_is_refused_before_it_is_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(InputError, match=r"must be a regular file, but .*pipe is a pipe"):
        read_text(tmp_path / "pipe", "table")


@pytest.mark.skipif(sys.platform == "win32", reason="/dev/zero is of POSIX")
def test_a_device_is_refused():
    with pytest.raises(InputError, match="device"):
        read_text(Path("/dev/zero"), "recipe")


def test_folders_missing_files_and_nul_are_refused_by_a_sentence(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        check_regular(tmp_path, "recipe")
    with pytest.raises(InputError, match="must be a file that exists"):
        check_regular(tmp_path / "none", "recipe")
    with pytest.raises(InputError, match=r"a\\x00b"):
        check_regular(tmp_path / "a\0b", "recipe")


def test_a_link_without_its_content_is_named_as_one(tmp_path):
    (tmp_path / "bold.nii.gz").symlink_to(tmp_path / ".git" / "annex" / "MD5E-s1")

    with pytest.raises(InputError, match="a link whose content is not"):
        check_regular(tmp_path / "bold.nii.gz", "image")


def test_bytes_that_are_no_utf8_are_refused(tmp_path):
    (tmp_path / "a.tsv").write_bytes(b"caf\xe9\n")

    with pytest.raises(InputError, match="UTF-8"):
        read_text(tmp_path / "a.tsv", "table")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_file_is_found_in_either_unicode_form(tmp_path, form):
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    folder = tmp_path / unicodedata.normalize(form, "Zoë")
    folder.mkdir()
    (folder / unicodedata.normalize(form, "café.tsv")).write_text("x")

    asked = tmp_path / unicodedata.normalize(other, "Zoë") / unicodedata.normalize(other, "café.tsv")
    found = existing(asked)

    assert found.read_text() == "x"
    assert nfc(found.name) == nfc("café.tsv")


def test_escape_sequences_are_shown_and_letters_kept():
    assert printable("é\x1b[31m\n") == "é\\x1b[31m\\n"


def test_a_path_may_lead_through_a_folder_that_is_not_made_yet(tmp_path):
    (tmp_path / "volumes.tsv").write_text("label\n")

    assert read_text(tmp_path / "run" / ".." / "volumes.tsv", "table") == "label\n"
