"""Options that were chosen by hand come back in the next napari.

They are kept in a file next to napari's settings, with the folders of recent runs. Other paths and layers are
never kept, and values that a script or a recipe sets are not kept either. They come back when a dock is
opened from a menu.
"""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.settings import get_settings
from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QApplication, QWidget

from napari_fmri_decoder._napari.forms.lines import PathLine
from napari_fmri_decoder.atomic_files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_fmri_decoder._napari.forms.model_form import ModelForm

logger = logging.getLogger(__name__)

VERSION = 1
"""Of the file; another version is ignored."""
FILE = "napari-fmri-decoder.json"


def settings_file() -> Path | None:
    """The file of remembered options; None if napari keeps no settings."""
    path = get_settings().config_path
    return None if path is None else Path(path).parent / FILE


def load(key: str) -> dict[str, Any]:
    """Options of a form; empty if none were kept, or the file cannot be read."""
    return _read().get(key, {})


def save(key: str, values: dict[str, Any]) -> None:
    """Keep the options of a form, with those of other forms; a file that cannot be written is no error."""
    path = settings_file()
    if path is None:
        return
    content = {"version": VERSION, "forms": {**_read(), key: values}}
    try:
        with replacing(path) as partial:
            partial.write_text(json.dumps(content, indent=1), encoding="utf-8")
    except (OSError, TypeError, ValueError) as error:
        logger.warning("The options of %s could not be kept: %s", key, error)


def _read() -> dict[str, dict[str, Any]]:
    """Options by form; empty if the file is missing, damaged, or of another version."""
    path = settings_file()
    with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        content = json.loads(path.read_text(encoding="utf-8")) if path is not None else {}
        if content["version"] == VERSION:
            return {key: dict(values) for key, values in dict(content["forms"]).items()}
    return {}


INPUT = (QEvent.Type.KeyPress, QEvent.Type.MouseButtonPress, QEvent.Type.Wheel)
"""What a person does to a control."""


class Remember(QObject):
    """Keeps the options of a form that are changed by hand, and restores them.

    Parameters
    ----------
    form : ModelForm
    key : str
        Such as "train.training".

    Attributes
    ----------
    in_use : bool
        Whether changes of the form count as made by hand.
    """

    def __init__(self, form: ModelForm, key: str) -> None:
        super().__init__(form.native)
        self._form, self._key = form, key
        self._quiet = False
        self._watch()
        form.changed.connect(self._on_changed)

    def _watch(self) -> None:
        """Watch all controls of the form; a choice brings others."""
        for part in self._form.parts:
            for widget in (part, *part.findChildren(QWidget)):
                widget.installEventFilter(self)  # once, however often it is installed
        self.in_use = False

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Record that a control is used by hand, until the focus has left the form."""
        kind = event.type() if event is not None else None
        if kind in INPUT:
            self.in_use = True
        elif kind == QEvent.Type.FocusOut:  # which may still change the value that was typed
            QTimer.singleShot(0, self._on_left)
        return False

    def _on_left(self) -> None:
        widget = QApplication.focusWidget()
        while widget is not None and widget not in self._form.parts:
            widget = widget.parentWidget()
        self.in_use &= widget is not None

    def restore(self) -> None:
        """Set what was kept; a value that no longer fits is ignored, and so are options of another choice."""
        self._quiet = True
        try:
            for name, value in load(self._key).items():
                self._form.update({name: value})
        except Exception as error:  # noqa: BLE001 - never a reason not to open
            logger.warning("The options of %s were kept by another version: %s", self._key, error)
        finally:
            self._quiet = False

    def reset(self, names: Iterable[str] | None = None) -> None:
        """Set the defaults, and forget what was kept: of all options, or of some."""
        some = None if names is None else tuple(names)
        self._quiet = True
        try:
            self._form.reset(some)
        finally:
            self._quiet = False
        kept = {} if some is None else load(self._key)
        save(self._key, {name: value for name, value in kept.items() if name not in (some or ())})

    def _on_changed(self) -> None:
        by_hand = self.in_use and not self._quiet
        self._watch()
        self.in_use = by_hand
        if by_hand:
            form = self._form
            paths = {name for name in form.names if isinstance(form.widget(name), PathLine)}
            names = [name for name in form.asdict() if name not in paths and name in form.remembered]
            save(self._key, {name: form.asdict()[name] for name in names})
