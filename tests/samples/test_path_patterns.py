"""Paths and patterns: unusual folder names, both Unicode forms, hidden files, links without content."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import check_regular, is_absent
from napari_fmri_decoder.recipe import image_files
from napari_fmri_decoder.samples.path_patterns import expand, matching
from napari_fmri_decoder.volumes.read import read


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def filled(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


@pytest.mark.parametrize("odd", ["study [2024]", "what?", "a*b", "[abc]", "100% #1 é", "[!x]", "]["])
def test_an_existing_folder_takes_precedence_over_a_pattern(tmp_path, odd):
    if os.name == "nt" and set(odd) & set("?*"):
        pytest.skip("no such name on this system")
    folder = filled(tmp_path / odd, "run-10.nii", "run-2.nii")
    filled(tmp_path / "a", "run-1.nii")  # [abc] would match this
    expected = ["run-2.nii", "run-10.nii"]
    assert names(matching("*.nii", folder)) == expected
    assert names(matching(f"{odd}/*.nii", tmp_path)) == expected
    assert names(matching(str(folder / "run-*.nii"), Path("/nowhere"))) == expected
    assert names(matching(f"{odd}/run-2.nii", tmp_path)) == ["run-2.nii"]
    assert names(image_files((f"{odd}/run-?.nii", odd), tmp_path)) == expected


def test_an_existing_file_takes_precedence_over_a_pattern(tmp_path):
    folder = filled(tmp_path, "ev[1].tsv", "ev1.tsv")
    assert names(expand("ev[1].tsv", folder, "events")) == ["ev[1].tsv"]
    assert names(expand("ev[2-9].tsv", filled(folder, "ev3.tsv"), "events")) == ["ev3.tsv"]


def test_patterns_match_subfolders_and_parent_folders(tmp_path):
    filled(tmp_path, "study/sub-1/func/a.nii", "study/sub-2/func/b.nii", "study/c.nii", "code/x.toml")
    assert names(matching("../study/sub-*/func/*.nii", tmp_path / "code")) == ["a.nii", "b.nii"]
    assert sorted(names(matching("study/**/*.nii", tmp_path))) == ["a.nii", "b.nii", "c.nii"]
    assert matching("../study/**/*.nii", tmp_path / "code")[0].is_relative_to(tmp_path / "study")
    assert matching("study/*/*/*/*.nii", tmp_path) == []


def test_hidden_files_of_macos_are_skipped(tmp_path):
    filled(
        tmp_path, "._run-1.nii.gz", "run-1.nii.gz", ".DS_Store", ".hidden/run-2.nii.gz", "._run-1_events.tsv"
    )
    assert names(image_files(("*.nii.gz",), tmp_path)) == ["run-1.nii.gz"]
    assert names(image_files(("**/*.nii.gz",), tmp_path)) == ["run-1.nii.gz"]
    assert names(image_files((".",), tmp_path)) == ["run-1.nii.gz"]
    with pytest.raises(InputError, match="must match events files"):
        expand("*_events.tsv", tmp_path, "events")


@pytest.mark.parametrize(("on_disk", "given"), [(nfc, nfd), (nfd, nfc)])
def test_names_match_in_either_unicode_form(tmp_path, on_disk, given):
    filled(tmp_path / on_disk("Läufe"), on_disk("Müller_1.nii"), on_disk("Müller_2.nii"))
    for text in ("Läufe/*.nii", "Läufe/Müller_?.nii", "L*/Mü*_[12].nii", "Läufe"):
        assert len(image_files((given(text),), tmp_path)) == 2, text
    assert names(matching(given("Läufe/Müller_1.nii"), tmp_path)) == [on_disk("Müller_1.nii")]
    assert matching(given("Lä*/Mö*"), tmp_path) == []


def test_the_given_unicode_form_is_used_if_both_exist(tmp_path):
    filled(tmp_path, nfc("ä.tsv"), nfd("ä.tsv"))
    if len(list(tmp_path.iterdir())) == 2:  # some file systems keep only one form
        for form in (nfc, nfd):
            assert names(matching(form("ä.tsv"), tmp_path)) == [form("ä.tsv")]


def test_lists_keep_their_order_and_patterns_are_sorted(tmp_path):
    filled(tmp_path, "pre.nii", "post.nii", "m/map_10.nii", "m/map_9.nii", "notes.txt")
    assert names(image_files(("pre.nii", "post.nii"), tmp_path)) == ["pre.nii", "post.nii"]
    assert names(image_files(("m", "post.nii"), tmp_path)) == ["map_9.nii", "map_10.nii", "post.nii"]
    assert names(image_files(("pre.nii", "p*"), tmp_path)) == ["pre.nii", "post.nii"]
    assert names(image_files(("*",), tmp_path)) == ["map_9.nii", "map_10.nii", "post.nii", "pre.nii"]
    with pytest.raises(InputError, match="listed once"):
        image_files(("pre.nii", "post.nii", "./pre.nii"), tmp_path)


@pytest.mark.parametrize("given", ["missing.nii", "*.mgz", "no/where/*.nii", "/no/such/***", "[", "a[", "**"])
def test_error_for_no_match_is_one_line(tmp_path, given):
    with pytest.raises(InputError, match="nothing matches") as caught:
        image_files((given,), tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("given", ["run-1_bold.nii.gz", "*_bold.nii.gz", "."])
def test_error_for_a_link_without_content(tmp_path, given):
    (tmp_path / "run-1_bold.nii.gz").symlink_to(".git/annex/objects/aa/bb/MD5E-s12--00.nii.gz")
    (path,) = image_files((given,), tmp_path)
    assert is_absent(path)
    with pytest.raises(InputError, match=r"link without its content .*datalad get"):
        read(path)


@pytest.mark.parametrize(
    "content",
    [
        b"/annex/objects/MD5E-s1234--0123.nii.gz\n",
        b"../../.git/annex/objects/Xf/0q/MD5E-s12--00/MD5E-s12--00.nii.gz",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
    ],
)
def test_error_for_a_placeholder_of_git_annex_or_git_lfs(tmp_path, content):
    path = tmp_path / "sub-1_bold.nii.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="placeholder without its content"):
        read(path)
    table = tmp_path / "events.tsv"
    table.write_bytes(content)
    with pytest.raises(InputError, match="datalad get"):
        check_regular(table, "events file")
