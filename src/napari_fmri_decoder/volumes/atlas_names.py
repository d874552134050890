"""Names of an atlas' regions, from the table that lies beside it."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from napari_fmri_decoder.cells import header_of, is_missing, rows_of
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import check_regular
from napari_fmri_decoder.text import nfc
from napari_fmri_decoder.volumes.files import stem

ENDINGS = (".tsv", ".csv", ".txt", ".lut", ".xml")
_INDEX = ("index", "value", "id", "label", "key", "idx", "intensity", "roi", "number", "no", "no.")
_NAME = ("name", "region", "label", "labels", "structure", "label_name", "roi_name", "region_name", "roi")
_CALLED = re.compile(r"[-_. ]?(labels?|names?|lut|regions?|lookup|legend)$", re.IGNORECASE)
_COLOR = re.compile(r"(?:\s+\d{1,3}){3,4}\s*$")
_MOST = 4 * 2**20  # bytes of a table; FreeSurfer's of all its regions has 0.1 MB
_LEVELS = 4  # folders that BIDS lets a table lie above its image: session, subject, data set


def read_names(path: str | Path) -> dict[int, str]:
    """Read a table of regions.

    Parameters
    ----------
    path : str or Path
        BIDS `_dseg.tsv` or any `.tsv` or `.csv` with columns "index" and "name" (or the first two
        columns, without a header); a `.txt` with an index and a name on each line, such as
        FreeSurfer's and MRtrix' colour tables and ITK-SNAP's labels; an atlas `.xml` of FSL or SPM.

    Returns
    -------
    dict of int to str
        Name of each value of the atlas' voxels, in the order of the table. Of a probabilistic atlas
        of FSL the values are those of its summary image: 1 more than its indices.

    Raises
    ------
    InputError
        If the file is missing or no such table, or one value has two names.
    """
    path = check_regular(Path(path), "table of regions")
    try:
        if path.stat().st_size > _MOST:
            raise _refused(path, f"{path.stat().st_size} bytes")
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"A table of regions must be readable, found: {error.strerror or error} ({path.name})."
        ) from error
    rows = _xml_rows(raw, path) if path.suffix.lower() == ".xml" else _text_rows(_decoded(raw, path), path)
    names: dict[int, str] = {}
    for index, name in rows:
        if names.setdefault(index, name) != name:
            raise _refused(path, f"two names of {index}, '{names[index]}' and '{name}'")
    if not names:
        raise _refused(path, "none")
    return names


def names_beside(image: str | Path) -> dict[int, str] | None:
    """Find the names of an atlas' regions in the files beside it.

    Looked for are, in this order: a table of the image's own name (`atlas.nii.gz` and `atlas.tsv`,
    `atlas_labels.txt`); a `_dseg.tsv` of BIDS whose entities the image has too, here or in a folder
    above; an atlas `.xml` here or one folder above that names the image, as FSL keeps them; a
    `.txt` whose name the image's begins with, as Schaefer's atlas has it.

    Parameters
    ----------
    image : str or Path

    Returns
    -------
    dict of int to str, or None
        None where there is no table.

    Raises
    ------
    InputError
        If a table of the image's own name, or of BIDS, is damaged. Other files are passed by.
    """
    image = Path(image)
    name = stem(image)
    here = _tables(image.parent)
    for table in (*(t for t in here if _is_named_after(t, name)), *_inherited(image.parent, name)):
        return read_names(table)
    guesses = [t for t in (*here, *_tables(image.parent.parent, ".xml")) if t.suffix.lower() == ".xml"]
    guesses = [t for t in guesses if _mentions(t, name)]
    guesses += sorted(
        (t for t in here if t.suffix.lower() == ".txt" and name.startswith(t.stem)),
        key=lambda t: -len(t.stem),
    )
    for table in guesses:
        try:
            return read_names(table)
        except InputError:
            continue
    return None


def regions_of(image: str | Path) -> tuple[dict[int, str], tuple[str, ...]]:
    """Find names as `names_beside` does; a damaged table gives a note, for the atlas is whole without it.

    Returns
    -------
    names : dict of int to str
    notes : tuple of str
    """
    try:
        return names_beside(image) or {}, ()
    except InputError as error:
        return {}, (f"The regions are shown without their names: {error}",)


def _tables(folder: Path, *endings: str) -> list[Path]:
    """Files of a folder that could be tables, the likeliest ending first."""
    wanted = endings or ENDINGS
    try:
        found = [p for p in folder.iterdir() if p.suffix.lower() in wanted and p.is_file()]
    except OSError:
        return []
    return sorted(found, key=lambda p: (wanted.index(p.suffix.lower()), p.name))


def _is_named_after(table: Path, image: str) -> bool:
    return table.stem == image or _CALLED.sub("", table.stem, count=1) == image


def _inherited(folder: Path, image: str) -> list[Path]:
    """Tables of BIDS whose entities the image has as well, the nearest and fullest first."""
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
    """Whether an atlas' description names an image; FSL lists one threshold of several."""
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
        raise _refused(path, "no text")
    try:
        return nfc(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _xml_rows(raw: bytes, path: Path) -> list[tuple[int, str]]:
    """Read `<label index="3">name</label>` of FSL, or `<label><index>3</index><name>..` of SPM."""
    try:
        root = ElementTree.fromstring(raw)
    except (ElementTree.ParseError, ValueError, LookupError, RecursionError) as error:
        raise _refused(path, f"broken XML, {error}") from error
    shift = 1 if (root.findtext("header/type") or "").strip().lower().startswith("prob") else 0
    rows = []
    for label in root.iter("label"):
        value, index = label.get("value"), label.get("index", label.findtext("index"))
        number = _whole(value if value is not None else index)
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
        return _words(lines, path)
    return _columns(rows_of("\n".join(lines), path, "table of regions"), path)


def _columns(cells: list[list[str]], path: Path) -> list[tuple[int, str]]:
    """Read rows of cells, by the names in the first, or else an index and the name behind it."""
    header = [cell.lower() for cell in cells[0]]
    index_at, name_at = 0, 1
    if _whole(header[0]) is None:
        columns, cells = header_of(cells, path, "table of regions")
        header, cells = [column.lower() for column in columns], [columns, *cells]
        index_at, name_at = _column(header, _INDEX, path), -1
        name_at = _column([*header[:index_at], "", *header[index_at + 1 :]], _NAME, path)
        cells = cells[1:]
    rows = []
    for row in cells:
        number = _whole(row[index_at]) if len(row) > index_at else None
        if number is None or len(row) <= name_at:
            raise _refused(path, f"'{' '.join(row)[:60]}'")
        if not is_missing(row[name_at]):
            rows.append((number, row[name_at]))
    return rows


def _column(header: list[str], wanted: tuple[str, ...], path: Path) -> int:
    for name in wanted:
        if name in header:
            return header.index(name)
    raise _refused(path, f"columns {', '.join(repr(h) for h in header if h)[:120]}")


def _words(lines: list[str], path: Path) -> list[tuple[int, str]]:
    """Read lines of an index, a name that may hold spaces, and perhaps a colour."""
    if not re.match(r"\s*-?\d", lines[0]):
        lines = lines[1:]  # a header
    coloured = all(_COLOR.search(line) for line in lines)
    rows = []
    for line in lines:
        found = re.match(r"\s*(-?\d{1,18})(?:\s*[:=,;]\s*|\s+)(.*\S)\s*$", line)
        quoted = re.search(r'"([^"]*)"\s*$', line)  # as ITK-SNAP ends its lines
        name = quoted[1] if quoted else found[2] if found else ""
        name = (_COLOR.sub("", name) if coloured else name).strip()
        if found is None or not name:
            raise _refused(path, f"'{line.strip()[:60]}'")
        rows.append((int(found[1]), name))
    return rows


def _whole(text: str | None) -> int | None:
    """Read a whole number, "3" or "3.0"."""
    found = re.fullmatch(r"\s*([+-]?\d{1,18})(\.0*)?\s*", text or "")
    return int(found[1]) if found else None


def _refused(path: Path, found: str) -> InputError:
    return InputError(
        f"A table of regions must give each value of the atlas its name, in columns 'index' and 'name', "
        f"found {found} in {path.name}. Mend it, or take it away from beside the atlas."
    )
