"""Read the names of an atlas' regions from a table in its folder."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import check_regular
from napari_fmri_decoder.formatting import format_bytes
from napari_fmri_decoder.text import nfc
from napari_fmri_decoder.text_tables import header_of, is_missing, rows_of
from napari_fmri_decoder.volumes.files import stem

ENDINGS = (".tsv", ".csv", ".txt", ".lut", ".xml")
_INDEX = ("index", "value", "id", "label", "key", "idx", "intensity", "roi", "number", "no", "no.")
_NAME = ("name", "region", "label", "labels", "structure", "label_name", "roi_name", "region_name", "roi")
_SUFFIX = re.compile(r"[-_. ]?(labels?|names?|lut|regions?|lookup|legend)$", re.IGNORECASE)
_COLOR = re.compile(r"(?:\s+\d{1,3}){3,4}\s*$")
_LARGEST = 4 * 2**20  # bytes of a table; FreeSurfer's table of all regions has 0.1 MB
_LEVELS = 4  # in BIDS a table may be this many folders above: session, subject, data set


def read_names(path: str | Path) -> dict[int, str]:
    """Read a table of regions.

    Parameters
    ----------
    path : str or Path
        BIDS `_dseg.tsv` or any `.tsv` or `.csv` with columns "index" and "name" (or the first two
        columns, without a header); a `.txt` with an index and a name on each line, such as
        the color tables of FreeSurfer and MRtrix and the labels of ITK-SNAP; an atlas `.xml` of FSL or SPM.

    Returns
    -------
    dict of int to str
        Name of each voxel value of the atlas, in the order of the table. For a probabilistic atlas of
        FSL the values are those of its summary image: 1 more than its indices.

    Raises
    ------
    InputError
        If the file is missing, is not such a table, or a value has two names.
    """
    path = check_regular(Path(path), "table of regions")
    try:
        if (size := path.stat().st_size) > _LARGEST:
            raise _not_a_table(path, format_bytes(size))
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"A table of regions must be readable, but {path.name} is not: {error.strerror or error}. "
            "Check its permissions."
        ) from error
    rows = _xml_rows(raw, path) if path.suffix.lower() == ".xml" else _text_rows(_decoded(raw, path), path)
    names: dict[int, str] = {}
    for index, name in rows:
        if names.setdefault(index, name) != name:
            raise _not_a_table(path, f"two names of {index}, '{names[index]}' and '{name}'")
    if not names:
        raise _not_a_table(path, "none")
    return names


def find_names(image: str | Path) -> dict[int, str] | None:
    """Find the names of an atlas' regions in the files of its folder.

    Searched in this order: a table with the image's name (`atlas.nii.gz` and `atlas.tsv`,
    `atlas_labels.txt`); a BIDS `_dseg.tsv` whose entities the image also has, in this folder or above;
    an atlas `.xml` in this folder or the one above that mentions the image, as in FSL; a `.txt` with
    whose name the image's name begins, as for Schaefer's atlas.

    Parameters
    ----------
    image : str or Path

    Returns
    -------
    dict of int to str, or None
        None if there is no table.

    Raises
    ------
    InputError
        If a table with the image's name, or of BIDS, is damaged. Other files are ignored.
    """
    image = Path(image)
    name = stem(image)
    tables = _tables(image.parent)
    for table in (*(t for t in tables if _is_named_after(t, name)), *_inherited(image.parent, name)):
        return read_names(table)
    guesses = [t for t in (*tables, *_tables(image.parent.parent, ".xml")) if t.suffix.lower() == ".xml"]
    guesses = [t for t in guesses if _mentions(t, name)]
    guesses += sorted(
        (t for t in tables if t.suffix.lower() == ".txt" and name.startswith(t.stem)),
        key=lambda t: -len(t.stem),
    )
    for table in guesses:
        try:
            return read_names(table)
        except InputError:
            continue
    return None


def regions_of(image: str | Path) -> tuple[dict[int, str], tuple[str, ...]]:
    """Find names as `find_names` does, but report a damaged table by a note instead of an error.

    Returns
    -------
    names : dict of int to str
    notes : tuple of str
    """
    try:
        return find_names(image) or {}, ()
    except InputError as error:
        return {}, (f"The regions are shown without their names: {error}",)


def _tables(folder: Path, *endings: str) -> list[Path]:
    """Files in a folder that could be tables, the most likely ending first."""
    wanted = endings or ENDINGS
    try:
        found = [p for p in folder.iterdir() if p.suffix.lower() in wanted and p.is_file()]
    except OSError:
        return []
    return sorted(found, key=lambda p: (wanted.index(p.suffix.lower()), p.name))


def _is_named_after(table: Path, image: str) -> bool:
    return table.stem == image or _SUFFIX.sub("", table.stem, count=1) == image


def _inherited(folder: Path, image: str) -> list[Path]:
    """BIDS tables whose entities the image also has, the nearest and most specific first."""
    entities = set(image.split("_"))
    if "dseg" not in entities:
        return []
    found: list[Path] = []
    for above in (folder, *folder.resolve().parents[: _LEVELS - 1]):
        tables = [t for t in _tables(above, ".tsv") if t.stem.split("_")[-1] == "dseg"]
        fitting = [t for t in tables if set(t.stem.split("_")) <= entities]
        found += sorted(fitting, key=lambda t: -len(t.stem.split("_")))
    return found


def _mentions(table: Path, image: str) -> bool:
    """Whether an atlas' description mentions an image; FSL lists only one of several thresholds."""
    pieces = re.findall(rb"<(?:summary)?imagefile>\s*(.*?)\s*</", _head(table))
    bare = re.sub(r"thr\d+", "thr", image).lower().encode()
    return any(re.sub(rb"thr\d+", b"thr", piece).lower().rpartition(b"/")[2] == bare for piece in pieces)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(2**14)
    except OSError:
        return b""


def _decoded(raw: bytes, path: Path) -> str:
    if b"\0" in raw:
        raise _not_a_table(path, "binary data")
    try:
        return nfc(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _xml_rows(raw: bytes, path: Path) -> list[tuple[int, str]]:
    """Read `<label index="3">name</label>` of FSL, or `<label><index>3</index><name>..` of SPM."""
    try:
        root = ElementTree.fromstring(raw)
    except (ElementTree.ParseError, ValueError, LookupError, RecursionError) as error:
        raise _not_a_table(path, f"invalid XML, {error}") from error
    shift = 1 if (root.findtext("header/type") or "").strip().lower().startswith("prob") else 0
    rows = []
    for label in root.iter("label"):
        value, index = label.get("value"), label.get("index", label.findtext("index"))
        number = _integer(value if value is not None else index)
        name = (label.findtext("name") or label.text or "").strip()
        if number is not None and name:
            rows.append((number + (shift if value is None else 0), name))
    return rows


def _text_rows(text: str, path: Path) -> list[tuple[int, str]]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("#", "//"))]
    if not lines:
        return []
    delimiter = next(
        (d for d in "\t;," if d in lines[0] and (d == "\t" or path.suffix.lower() == ".csv")), ""
    )
    if not delimiter:
        return _free_text_rows(lines, path)
    return _columns(rows_of("\n".join(lines), path, "table of regions"), path)


def _columns(cells: list[list[str]], path: Path) -> list[tuple[int, str]]:
    """Read rows of cells by the header, or without a header an index followed by a name."""
    header = [cell.lower() for cell in cells[0]]
    index_at, name_at = 0, 1
    if _integer(header[0]) is None:
        columns, cells = header_of(cells, path, "table of regions")
        header, cells = [column.lower() for column in columns], [columns, *cells]
        index_at, name_at = _column(header, _INDEX, path), -1
        name_at = _column([*header[:index_at], "", *header[index_at + 1 :]], _NAME, path)
        cells = cells[1:]
    rows = []
    for row in cells:
        number = _integer(row[index_at]) if len(row) > index_at else None
        if number is None or len(row) <= name_at:
            raise _not_a_table(path, f"'{' '.join(row)[:60]}'")
        if not is_missing(row[name_at]):
            rows.append((number, row[name_at]))
    return rows


def _column(header: list[str], wanted: tuple[str, ...], path: Path) -> int:
    for name in wanted:
        if name in header:
            return header.index(name)
    raise _not_a_table(path, f"columns {', '.join(repr(h) for h in header if h)[:120]}")


def _free_text_rows(lines: list[str], path: Path) -> list[tuple[int, str]]:
    """Read lines with an index, a name that may contain spaces, and optionally a color."""
    if not re.match(r"\s*-?\d", lines[0]):
        lines = lines[1:]  # a header
    colored = all(_COLOR.search(line) for line in lines)
    rows = []
    for line in lines:
        found = re.match(r"\s*(-?\d{1,18})(?:\s*[:=,;]\s*|\s+)(.*\S)\s*$", line)
        quoted = re.search(r'"([^"]*)"\s*$', line)  # as ITK-SNAP ends its lines
        name = quoted[1] if quoted else found[2] if found else ""
        name = (_COLOR.sub("", name) if colored else name).strip()
        if found is None or not name:
            raise _not_a_table(path, f"'{line.strip()[:60]}'")
        rows.append((int(found[1]), name))
    return rows


def _integer(text: str | None) -> int | None:
    """Read a whole number, "3" or "3.0"."""
    found = re.fullmatch(r"\s*([+-]?\d{1,18})(\.0*)?\s*", text or "")
    return int(found[1]) if found else None


def _not_a_table(path: Path, found: str) -> InputError:
    return InputError(
        f"A table of regions must give each value of the atlas a name, in columns 'index' and 'name', "
        f"found {found} in {path.name}. Correct the table, or move it out of the atlas' folder."
    )
