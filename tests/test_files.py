"""Only regular files are opened, and in either Unicode form of their name."""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path

import pytest

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import check_regular, existing, read_text
from napari_fmri_decoder.text import nfc, printable


def test_byte_order_mark_is_removed(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbflabel\r\n")

    assert read_text(tmp_path / "a.txt", "table") == "label\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only POSIX has named pipes")
def test_pipe_is_rejected_before_it_is_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(InputError, match=r"must be a regular file, but .*pipe is a pipe"):
        read_text(tmp_path / "pipe", "table")


@pytest.mark.skipif(sys.platform == "win32", reason="only POSIX has /dev/zero")
def test_device_is_rejected():
    with pytest.raises(InputError, match="device"):
        read_text(Path("/dev/zero"), "recipe")


def test_folders_missing_files_and_nul_give_a_clear_error(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        check_regular(tmp_path, "recipe")
    with pytest.raises(InputError, match="must be a file that exists"):
        check_regular(tmp_path / "none", "recipe")
    with pytest.raises(InputError, match=r"a\\x00b"):
        check_regular(tmp_path / "a\0b", "recipe")


def test_link_without_content_is_identified(tmp_path):
    (tmp_path / "bold.nii.gz").symlink_to(tmp_path / ".git" / "annex" / "MD5E-s1")

    with pytest.raises(InputError, match="a link without its content"):
        check_regular(tmp_path / "bold.nii.gz", "image")


def test_invalid_utf8_is_rejected(tmp_path):
    (tmp_path / "a.tsv").write_bytes(b"caf\xe9\n")

    with pytest.raises(InputError, match="UTF-8"):
        read_text(tmp_path / "a.tsv", "table")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_file_is_found_in_either_unicode_form(tmp_path, form):
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    folder = tmp_path / unicodedata.normalize(form, "Zoë")
    folder.mkdir()
    (folder / unicodedata.normalize(form, "café.tsv")).write_text("x")

    asked = tmp_path / unicodedata.normalize(other, "Zoë") / unicodedata.normalize(other, "café.tsv")
    found = existing(asked)

    assert found.read_text() == "x"
    assert nfc(found.name) == nfc("café.tsv")


def test_escape_sequences_are_escaped_and_letters_unchanged():
    assert printable("é\x1b[31m\n") == "é\\x1b[31m\\n"


def test_path_may_pass_through_a_missing_folder(tmp_path):
    (tmp_path / "volumes.tsv").write_text("label\n")

    assert read_text(tmp_path / "run" / ".." / "volumes.tsv", "table") == "label\n"
