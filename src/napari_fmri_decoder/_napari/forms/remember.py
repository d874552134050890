"""Options that were chosen by hand come back in the next napari.

They are kept in a file next to napari's settings. Paths and layers are never kept, and values that a script
or a recipe sets are not kept either. They come back when a dock is first shown, unless a script has used
the plugin's docks before.
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
    except OSError as error:
        logger.warning("The options of %s could not be kept: %s", key, error)


def _read() -> dict[str, dict[str, Any]]:
    """Options by form; empty if the file is missing, damaged, or of another version."""
    path = settings_file()
    with suppress(OSError, ValueError, TypeError, KeyError):
        content = json.loads(path.read_text(encoding="utf-8")) if path is not None else {}
        if content["version"] == VERSION:
            return {key: dict(values) for key, values in dict(content["forms"]).items()}
    return {}


class Remember(QObject):
    """Keeps the options of a form that are changed by hand, and restores them once.

    Parameters
    ----------
    form : ModelForm
    key : str
        Such as "train.training".
    """

    scripted = False
    """Whether a script has set a value in this process; then nothing is restored any more."""

    def __init__(self, form: ModelForm, key: str) -> None:
        super().__init__(form.native)
        self._form, self._key = form, key
        self._shown = self._quiet = False
        form.native.installEventFilter(self)
        form.changed.connect(self._on_changed)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Restore after the form is first shown."""
        if event is not None and event.type() == QEvent.Type.Show and not self._shown:
            self._shown = True
            QTimer.singleShot(0, self.restore)
        return False

    def restore(self) -> None:
        """Set what was kept; a value that no longer fits is ignored."""
        if Remember.scripted:
            return
        self._quiet = True
        for name, value in load(self._key).items():
            with suppress(Exception):  # never a reason not to open
                self._form.update({name: value})
        self._quiet = False

    def reset(self) -> None:
        """Set the defaults, and forget what was kept."""
        self._quiet = True
        self._form.reset()
        self._quiet = False
        save(self._key, {})

    def _on_changed(self) -> None:
        if self._quiet:
            return
        if not self._by_hand():
            Remember.scripted = True
            return
        paths = {name for name in self._form.names if isinstance(self._form.widget(name), PathLine)}
        save(self._key, {name: value for name, value in self._form.asdict().items() if name not in paths})

    def _by_hand(self) -> bool:
        """Whether a control of the form, or its list of choices, has the focus."""
        widget: QWidget | None = QApplication.focusWidget()
        while widget is not None and widget is not self._form.native:
            widget = widget.parentWidget()
        return widget is not None
