"""Registries: classes of options that are found by name, our own and those of installed packages.

A package adds a decoder, a mask strategy, a label source or an explanation by an entry point in the group of
that registry. Entry points are loaded once in each process, when the registry is first read.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Mapping, MutableMapping
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from napari_fmri_decoder.errors import InputError, MissingPackageError, PluginWarning
from napari_fmri_decoder.options import Options, explain, shown
from napari_fmri_decoder.text import printable, shortened

if TYPE_CHECKING:
    from napari_fmri_decoder.paths import AnyOptions

PACKAGE = "package"
"""Key of a written table of options: the package that provides its class, as "name version"."""
_OURS = __name__.partition(".")[0]

RegisteredClass = TypeVar("RegisteredClass", bound="Registered")


class Registry(MutableMapping[str, type[RegisteredClass]], Generic[RegisteredClass]):
    """Classes by name; the first reading loads the entry points of installed packages.

    Parameters
    ----------
    what : str
        One of its classes, for messages: "label source".
    group : str
        Group of the entry points.
    """

    def __init__(self, what: str, group: str) -> None:
        self.what, self.group = what, group
        self._classes: dict[str, type[RegisteredClass]] = {}
        self._loaded = self._loading = False
        self._lock = threading.RLock()

    def __getitem__(self, name: str) -> type[RegisteredClass]:
        self._load()
        return self._classes[name]

    def __setitem__(self, name: str, registered: type[RegisteredClass]) -> None:
        self._classes[name] = registered

    def __delitem__(self, name: str) -> None:
        del self._classes[name]

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(self._classes)

    def __len__(self) -> int:
        self._load()
        return len(self._classes)

    def add(self, name: str, registered: type[RegisteredClass]) -> None:
        """Register a class.

        Raises
        ------
        TypeError
            If another class has that name. A class that is defined again at the top of its module, as a
            notebook's cell does when it is run twice, replaces itself.
        """
        known = self._classes.get(name)
        if known is not None and not _defined_again(known, registered):
            raise TypeError(
                f"{_path_of(registered)} cannot be registered as {self.what} {name!r}, because "
                f"{_path_of(known)} already has that name; give its field {registered.key!r} another default."
            )
        self._classes[name] = registered

    def _load(self) -> None:
        """Load the entry points once; other threads wait until all are loaded."""
        if self._loaded:
            return
        with self._lock:
            if self._loaded or self._loading:  # loading: a plugin reads the registry while it is imported
                return
            self._loading = True
            problems = []
            for entry in sorted(entry_points(group=self.group), key=lambda entry: entry.name):
                try:
                    entry.load()
                except Exception as error:  # noqa: BLE001  # whatever one plugin raises, the others work
                    problems.append(_problem_of(entry, error))
            self._loaded = True
        for problem in problems:
            if problem not in _reported:
                _reported.add(problem)
                warnings.warn(problem, PluginWarning, stacklevel=4)


_reported: set[str] = set()
"""Problems that were reported: a package with several entry points is named once."""


def _problem_of(entry: EntryPoint, error: Exception) -> str:
    reason = shortened(printable(" ".join(str(error).split())), 400).rstrip(".")
    return (
        f"The plugin package {_distribution(entry) or entry.value} could not be loaded and is ignored: "
        f"{type(error).__name__}: {reason}. Update or uninstall it."
    )


def _distribution(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else ""


def _path_of(registered: type) -> str:
    return f"{registered.__module__}.{registered.__qualname__}"


def _defined_again(known: type, registered: type) -> bool:
    return _path_of(known) == _path_of(registered) and "<locals>" not in registered.__qualname__


class Registered(Options):
    """Options of one way to do something, found by the default of their field `key`.

    A base class names its `registry` and `key`; each subclass whose `key` has a default registers itself
    when it is defined.
    """

    registry: ClassVar[Registry[Any]]
    key: ClassVar[str] = "name"
    required: ClassVar[tuple[str, ...]] = ("summary",)
    """Class attributes that each registered class must have."""
    summary: ClassVar[str]
    """One line for menus."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Check the class, and register it.

        Raises
        ------
        TypeError
            If it lacks something, or its name is taken.
        """
        super().__pydantic_init_subclass__(**kwargs)
        field = cls.model_fields.get(cls.key)
        name = field.default if field is not None else None
        if not isinstance(name, str):
            if field is not None and not cls.__abstractmethods__:
                raise TypeError(
                    f"{_path_of(cls)} cannot be registered as {cls.registry.what}, because its field "
                    f'{cls.key!r} has no default; write {cls.key}: Literal["..."] = "...".'
                )
            return
        if problem := cls.problem():
            raise TypeError(
                f"{_path_of(cls)} cannot be registered as {cls.registry.what} {name!r}: {problem}."
            )
        cls.registry.add(name, cls)

    @classmethod
    def problem(cls) -> str:
        """What the class lacks, as a clause; empty if it can be registered."""
        missing = [name for name in cls.required if getattr(cls, name, None) is None]
        if missing:
            return f"it must define the class attribute{'s' * (len(missing) > 1)} {', '.join(missing)}"
        if not isinstance(cls.summary, str) or not cls.summary.strip():
            return "its summary must be one line of text"
        if cls.__abstractmethods__:
            methods = ", ".join(sorted(cls.__abstractmethods__))
            return f"it must define the method{'s' * (len(cls.__abstractmethods__) > 1)} {methods}"
        return ""

    def written(self) -> dict[str, Any]:
        """Options as they are written to a file, in plain types; with the package of a plugin's class.

        `choose` reads them back.
        """
        content = self.model_dump(mode="json")
        add_packages(self, content)
        return content


def package_of(registered: type[Registered]) -> str:
    """Name and version of the installed package that provides a class; empty for our own, or if unknown."""
    module = registered.__module__.partition(".")[0]
    if module == _OURS:
        return ""
    for entry in entry_points(group=registered.registry.group):
        if entry.module.partition(".")[0] == module:
            return _distribution(entry)
    return ""


def add_packages(options: BaseModel, content: dict[str, Any]) -> None:
    """Add to dumped options, nested ones included, the packages of the classes that plugins provide.

    Parameters
    ----------
    options : BaseModel
    content : dict
        What ``options.model_dump`` gave; changed in place.
    """
    if isinstance(options, Registered) and (package := package_of(type(options))):
        content[PACKAGE] = package
    for name, value in options:
        several = value if isinstance(value, tuple) else (value,)
        dumped = content.get(name) if isinstance(value, tuple) else (content.get(name),)
        for inner, inner_content in zip(several, dumped or (), strict=False):
            if isinstance(inner, BaseModel) and isinstance(inner_content, dict):
                add_packages(inner, inner_content)


def choose(
    registry: Mapping[str, type[AnyOptions]], key: str, what: str, options: Mapping[str, Any] | object
) -> AnyOptions:
    """Build the registered options that ``options[key]`` names.

    Parameters
    ----------
    registry : mapping of str to class
    key : str
        The entry that names the class, "source" or "strategy".
    what : str
        What the class is, for messages: "label source".
    options : mapping
        As in a recipe, `key` included. `package` may name the package that provides the class.

    Raises
    ------
    InputError
        If the name is not registered, or an option is unknown or out of its limits.
    """
    if not isinstance(options, Mapping):
        raise InputError(
            f"A {what} must be a table of options with {key} = one of {', '.join(sorted(registry))}; got "
            f"{shown(options)}. Write it as a table."
        )
    name, package = options.get(key), options.get(PACKAGE)
    if not isinstance(name, str) or name not in registry:
        if isinstance(name, str) and isinstance(package, str) and package.strip():
            raise MissingPackageError(
                f"The {what} {shown(name)} comes with the package {shown(package)}, which is not installed "
                "or could not be loaded. Install that package if you trust its source."
            )
        raise InputError(
            f"A {what} needs {key} = one of {', '.join(sorted(registry))}; got {shown(name)}. Choose one of "
            "them, or install the package that provides it."
        )
    kind = registry[name]
    values = {n: v for n, v in options.items() if n != PACKAGE or PACKAGE in kind.model_fields}
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        known = ", ".join(n for n in kind.model_fields if n != key)
        raise InputError(
            f"The options of {what} {name!r} must be valid: {explain(error)}. Its options are: {known}."
        ) from error
