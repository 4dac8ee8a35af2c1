"""Whole files or none, the error for a file that must not be used, names made safe, the advice for a missing extra.

Every module writes its files through `whole_file`. Light on purpose: nothing here imports torch.
"""
import errno
import importlib
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NO_FSYNC = {errno.EINVAL, errno.EACCES, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EISDIR}
WINDOWS = os.name == "nt"
PATIENCE = 1.  # seconds to wait for another program that keeps a file open (Windows: such a file cannot be replaced)


class BadFile(ValueError):
    "A file that must not be used; `.path` and `.reason` say which and why."
    def __init__(self, path: str | Path, reason: str):
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = str(path), reason

    def __reduce__(self): return type(self), (self.path, self.reason)  # DataLoader workers pickle their errors


# besides control characters and the ends of lines: those that turn the direction of the text after them
UNSAFE = {chr(code) for code in (*range(32), *range(127, 160), *range(0x2028, 0x202F), *range(0x2066, 0x206A))}


def printable(text: str, keep: str = "") -> str:
    r"`text` for a terminal or a table: control characters, and bytes of names that are not text, become \x1b, \xe9, …"
    def escaped(c):
        if 0xDC80 <= ord(c) <= 0xDCFF: return f"\\x{ord(c) - 0xDC00:02x}"  # how Python holds such a byte
        safe = c in keep or c not in UNSAFE and not 0xD800 <= ord(c) <= 0xDFFF
        return c if safe else c.encode("unicode_escape").decode()
    return "".join(map(escaped, text))


def to_install(extra: str) -> str: return f"pip install 'pconv_edu[{extra}]'"


def need_package(
    package: str,  # its import name, such as 'onnxruntime' or 'torchmetrics.image'
    reason: str,   # what wants it
    extra: str | None = None,  # the extra that brings it; None: of the same name
):  # the module
    "Import an optional package. Raises `ModuleNotFoundError`, which names the extra to install."
    top = package.partition(".")[0]
    try: return importlib.import_module(package)
    except ImportError as error:
        raise ModuleNotFoundError(
            f"{reason} needs the package {top!r}: {to_install(extra or top)} ({error})", name=top) from None


SAMPLES = tuple(folder / "data_samples" for folder in Path(__file__).resolve().parents[:2])  # a wheel's, the repository's


def sample_files(
    name: str = "",  # such as 'pictures/bricks.jpg'; '': the folder that holds them all
) -> Path:
    "A file or folder of data_samples, wherever the package is installed. Raises `FileNotFoundError`."
    for folder in SAMPLES:
        if (folder / name).exists(): return folder / name
    raise FileNotFoundError(f"there is no sample '{name}' in {' or '.join(map(str, SAMPLES))}; its README lists them")


def sync_file(path: str | Path):
    "Wait until a file's bytes have reached the disk, where the file system can tell."
    try: handle = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))  # Windows syncs writable handles only
    except PermissionError: handle = os.open(path, os.O_RDONLY)  # a umask may leave us no more
    try: os.fsync(handle)
    except OSError as error:
        if error.errno not in NO_FSYNC: raise  # a full or failing disk
    finally: os.close(handle)


def sync_folder(folder: str | Path):
    """Wait until a folder's entries have reached the disk, where the system can do that.

    Windows cannot open a folder, and some network file systems cannot sync one; a rename is atomic there all the same.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
        try: os.fsync(handle)
        finally: os.close(handle)
    except OSError as error:
        if error.errno not in NO_FSYNC: raise


def move(source: str | Path, target: str | Path):
    "Rename a file or folder, over a file that is there. Waits a moment for programs that keep it open (Windows)."
    end = time.monotonic() + PATIENCE
    while True:
        try: return os.replace(source, target)
        except PermissionError:
            if not WINDOWS or time.monotonic() > end: raise
        time.sleep(.05)


@contextmanager
def whole_file(
    path: str | Path,  # `~` is the home folder; folders are made if need be; for a link, the file it points to is written
) -> Iterator[Path]:
    """A hidden path beside `path` to write to. At the end it is synced and takes its place; after an error it is removed.

    So a reader, or someone who comes after a kill, finds the old file or the new one and never a part.
    Raises `OSError` that names `path`.
    """
    path = Path(path).expanduser()
    place = Path(os.path.realpath(path)) if path.is_symlink() else path
    place.parent.mkdir(parents=True, exist_ok=True)
    unique = secrets.token_hex(4)
    beside = place.with_name(f".{place.stem[:40]}.{unique}{place.suffix[:20]}")  # cut: a name may have 255 bytes
    try:
        yield beside
        sync_file(beside)
        move(beside, place)
        sync_folder(place.parent)
    except OSError as error:
        if error.errno and error.filename in (None, beside, str(beside)): # the name that the caller knows
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        with suppress(OSError): beside.unlink(missing_ok=True)
