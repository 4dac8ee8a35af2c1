"""Files are whole or not there, whatever the file system can do; errors name the file, or the extra that is missing."""
import errno
import os
import pickle
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pconv_edu import files
from pconv_edu.checkpoint import BadCheckpoint
from pconv_edu.files import BadFile, need_package, sync_file, sync_folder, whole_file


def write(path, text="new"):
    with whole_file(path) as beside: beside.write_text(text)


def there(folder): return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("kind", [BadFile, BadCheckpoint])
def test_a_bad_file_says_path_and_reason_also_after_a_pickle(kind):
    error = pickle.loads(pickle.dumps(kind(Path("a/b.png"), "it is cut")))
    assert type(error) is kind and isinstance(error, ValueError)
    assert (error.path, error.reason, str(error)) == ("a/b.png", "it is cut", "a/b.png: it is cut")


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
def test_after_an_error_the_old_file_is_there_and_nothing_else(tmp_path, error):
    write(tmp_path / "a.txt", "old")
    with pytest.raises(type(error)), whole_file(tmp_path / "a.txt") as beside:
        beside.write_text("ne")
        raise error
    assert there(tmp_path) == {"a.txt": "old"}


def test_the_ending_is_kept_and_the_folder_made(tmp_path):
    with whole_file(tmp_path / "new" / "a.png") as beside:
        assert beside.parent == tmp_path / "new" and beside.suffix == ".png" and beside.name.startswith(".")
        beside.write_text("x")
    assert there(tmp_path / "new") == {"a.png": "x"}


@pytest.mark.parametrize("name", ["n" * 251 + ".png", "é" * 125 + ".png", "a." + "x" * 253])
def test_names_of_255_bytes_are_written(tmp_path, name):
    write(tmp_path / name)
    assert there(tmp_path) == {name: "new"}


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "a.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("disk/a.txt")
    write(tmp_path / "link.txt")
    assert (tmp_path / "link.txt").is_symlink() and there(tmp_path / "disk") == {"a.txt": "new"}


def refuses(code, what):
    "os.fsync that refuses folders, or files, or both."
    real = os.fsync
    def fsync(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode) == (what == "folders"): raise OSError(code, os.strerror(code))
        return real(handle)
    return fsync


@pytest.mark.parametrize("what", ["folders", "files"])
@pytest.mark.parametrize("code", [errno.EINVAL, errno.EACCES, errno.EPERM, errno.ENOTSUP])
def test_without_fsync_files_are_written_all_the_same(tmp_path, monkeypatch, code, what):
    "Windows and some network drives cannot sync a folder."
    monkeypatch.setattr(os, "fsync", refuses(code, what))
    write(tmp_path / "a.txt")
    assert there(tmp_path) == {"a.txt": "new"}


def test_where_a_folder_cannot_be_opened(tmp_path, monkeypatch):
    "Windows' rule."
    real = os.open
    def no_folders(path, *args):
        if os.path.isdir(path): raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *args)
    monkeypatch.setattr(os, "open", no_folders)
    write(tmp_path / "a.txt")
    assert there(tmp_path) == {"a.txt": "new"}


def test_files_are_synced_through_a_writable_handle(tmp_path, monkeypatch):
    "Windows' rule: fsync of a handle for reading fails."
    real, seen = os.open, []
    monkeypatch.setattr(
        os, "open", lambda path, flags, *args: seen.append((os.path.isdir(path), flags)) or real(path, flags, *args)
    )
    write(tmp_path / "a.txt")
    assert [flags & os.O_RDWR for folder, flags in seen if not folder] == [os.O_RDWR]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("sync", [sync_file, sync_folder])
def test_a_full_or_failing_disk_is_an_error(tmp_path, monkeypatch, code, sync):
    (tmp_path / "a.txt").write_text("x")
    monkeypatch.setattr(os, "fsync", refuses(code, "folders" if sync is sync_folder else "files"))
    with pytest.raises(OSError) as error: sync(tmp_path / "a.txt" if sync is sync_file else tmp_path)
    assert error.value.errno == code


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_the_error_names_the_file_that_was_asked_for(tmp_path, monkeypatch, code):
    "And not the hidden one beside it."
    def no(*_): raise OSError(code, os.strerror(code))
    monkeypatch.setattr(os, "replace", no)
    with pytest.raises(OSError) as error: write(tmp_path / "a.txt")
    assert error.value.errno == code and error.value.filename == str(tmp_path / "a.txt") and not there(tmp_path)


def test_an_error_about_another_file_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError) as error, whole_file(tmp_path / "a.txt"):
        (tmp_path / "source.txt").read_text()
    assert "source.txt" in str(error.value) and "a.txt" not in str(error.value)


@pytest.mark.parametrize("times", [3, 10**9])
def test_a_file_that_another_program_keeps_open_is_waited_for(tmp_path, monkeypatch, times):
    "Windows' rule: it cannot be replaced. A reader is soon done; one that is not is an error with the file's name."
    real, left = os.replace, [times]
    def replace(source, target):
        left[0] -= 1
        if left[0] >= 0: raise PermissionError(errno.EACCES, "Permission denied", str(source), None, str(target))
        return real(source, target)
    write(tmp_path / "a.txt", "old")
    monkeypatch.setattr(files, "WINDOWS", True)
    monkeypatch.setattr(files, "PATIENCE", .3)
    monkeypatch.setattr(os, "replace", replace)
    if times == 3:
        write(tmp_path / "a.txt")
        assert there(tmp_path) == {"a.txt": "new"}
        return
    with pytest.raises(PermissionError) as error: write(tmp_path / "a.txt")
    assert error.value.filename == str(tmp_path / "a.txt") and there(tmp_path) == {"a.txt": "old"}


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModuleNotFoundError, match=r"load_onnx.*'onnxruntime'.*pip install 'pconv_edu\[onnx\]'"):
        need_package("onnxruntime", "load_onnx", "onnx")
    assert need_package("os.path", "this test") is os.path


def test_the_advice_stands_in_one_place():
    root = Path(files.__file__).parent
    assert [path.name for path in root.rglob("*.py") if "pip install 'pconv_edu[" in path.read_text()] == ["files.py"]


def test_it_is_light():
    code = "import sys, pconv_edu.files; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=300).returncode == 0
