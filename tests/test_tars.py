"""Tars read by an index of offsets: oracle is tarfile itself; damage is named; workers share nothing."""
import errno
import io
import multiprocessing
import os
import pickle
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch.utils.data import DataLoader

from pconv_edu.pictures import BadImage
from pconv_edu.sources import open_pictures
from pconv_edu.tars import ENTRY, BadArchive, TarImages, _name_of, find_archives, opened


def png(value: int, side: int = 8) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), (value % 256, value // 256 % 256, 7)).save(file, "PNG")
    return file.getvalue()


def write_tar(path, names, format=tarfile.GNU_FORMAT, start=0):
    with tarfile.open(path, "w", format=format) as tar:
        for k, name in enumerate(names):
            data = png(start + k) if name.lower().endswith((".png", ".jpg")) else b"text"
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def value(picture) -> int:
    r, g, _ = (picture[:, 0, 0] * 255).round().int().tolist()
    return r + 256 * g


@pytest.fixture
def shards(tmp_path):
    for s in range(3): write_tar(tmp_path / f"shard-{s}.tar", [f"{s}{k:04}.png" for k in range(5)], start=5 * s)
    return tmp_path


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_every_picture_is_what_tarfile_reads(tmp_path, format):
    long = [f"{'deep/' * 25}{'x' * (90 if format != tarfile.USTAR_FORMAT else 20)}{k}.png" for k in range(3)]
    names = ["a.png", "b.PNG", "notes.txt", "c.cls", *long, "ünï.png" if format != tarfile.USTAR_FORMAT else "uni.png"]
    path = write_tar(tmp_path / "p.tar", names, format)
    pictures = TarImages(path)
    with tarfile.open(path) as tar:
        wanted = [(m.name, tar.extractfile(m).read()) for m in tar if m.name.lower().endswith(".png")]
    assert [(pictures.name(i), pictures.read(i)) for i in range(len(pictures))] == [
        (f"p.tar/{name}", data) for name, data in wanted
    ]
    assert len(pictures) == 6


def test_webdataset_shards_pictures_only_in_order(tmp_path):
    for s in range(2):
        write_tar(
            tmp_path / f"w-{s:06}.tar", [f"{s}{k:05}.{end}" for k in range(3) for end in ("cls", "jpg", "json")],
            start=9 * s,
        )
    pictures = TarImages(tmp_path / "w-*.tar")
    assert [pictures.name(i) for i in range(6)] == [f"w-{s:06}.tar/{s}{k:05}.jpg" for s in range(2) for k in range(3)]


def test_folders_links_and_hidden_files_are_no_pictures(tmp_path):
    path = tmp_path / "p.tar"
    with tarfile.open(path, "w") as tar:
        for name, kind in (("d.png", tarfile.DIRTYPE), ("s.png", tarfile.SYMTYPE), ("h.png", tarfile.LNKTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "x.png"
            tar.addfile(info)
        for name in ("._x.png", "x.png"):
            info = tarfile.TarInfo(name)
            info.size = len(png(3))
            tar.addfile(info, io.BytesIO(png(3)))
    pictures = TarImages(path)
    assert [pictures.name(i) for i in range(len(pictures))] == ["p.tar/x.png"]


def test_the_index_is_one_npy_of_16_bytes_a_picture(shards):
    pictures = TarImages(shards)
    entries = np.load(pictures.index)
    assert pictures.index.suffix == ".npy" and ENTRY.itemsize == 16 and entries.nbytes == 16 * 15
    assert isinstance(pictures.entries, np.memmap)


def test_it_is_built_once(shards):
    first = TarImages(shards)
    before = first.index.stat().st_mtime_ns
    assert TarImages(shards).index.stat().st_mtime_ns == before


@pytest.mark.parametrize("change", ["longer", "touched", "fewer", "cut index", "no json", "old layout"])
def test_a_stale_index_is_built_anew(shards, change):
    old = TarImages(shards)
    target = shards / "shard-2.tar"
    if change == "longer": write_tar(target, [f"new{k}.png" for k in range(9)], start=100)
    if change == "touched":  # the same size, other pictures
        stat = target.stat()
        write_tar(target, [f"new{k}.png" for k in range(5)], start=100)
        assert target.stat().st_size == stat.st_size
        os.utime(target, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000_000))
    if change == "fewer": target.unlink()
    if change == "cut index": old.index.write_bytes(old.index.read_bytes()[:-16])
    if change == "no json": old.index.with_suffix(".json").unlink()
    if change == "old layout": old.index.with_suffix(".json").write_text("[]")
    new = TarImages(shards)
    assert len(new) == {"longer": 19, "fewer": 10}.get(change, 15)
    assert value(new[10 if change != "fewer" else 9]) == {"longer": 100, "touched": 100, "fewer": 9}.get(change, 10)


def test_damage_is_named_and_nothing_is_lost_without_a_word(tmp_path):
    whole = write_tar(tmp_path / "whole.tar", [f"{k}.png" for k in range(40)])
    data = whole.read_bytes()
    end = 40 * 1024
    cases = {
        "in a picture": data[:20_800],
        "between pictures": data[:20_480],
        "in a header": data[:20_600],
        "empty": b"",
        "rubbish header": data[:20_480] + b"\x07" * 512 + data[20_992:],
        "no end mark": data[:end],
        "no tar": b"x" * 5000,
    }
    for case, damaged in cases.items():
        path = tmp_path / "damaged.tar"
        path.write_bytes(damaged)
        with pytest.raises(BadArchive, match="damaged.tar") as error: TarImages(path)
        assert "truncated or damaged" in str(error.value), case
        assert not list(tmp_path.glob("damaged.tar.*")), f"{case}: an index of a damaged tar was left behind"


def test_a_compressed_tar_says_unpack(tmp_path):
    for mode in ("gz", "bz2", "xz"):
        with tarfile.open(tmp_path / "c.tar", f"w:{mode}") as tar: tar.add(__file__, "a.png")
        with pytest.raises(BadArchive, match="compressed.*unpack"): TarImages(tmp_path / "c.tar")


def test_nothing_there_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="no tar at"): TarImages(tmp_path)
    with pytest.raises(FileNotFoundError, match="no tar at"): TarImages(tmp_path / "x-*.tar")
    with pytest.raises(FileNotFoundError, match="no picture in .*t.tar"):
        TarImages(write_tar(tmp_path / "t.tar", ["a.txt"]))
    with pytest.raises(FileNotFoundError): TarImages([])


def test_a_bad_picture_inside_is_named(tmp_path):
    with tarfile.open(tmp_path / "p.tar", "w") as tar:
        for name, data in (("empty.png", b""), ("forged.jpg", b"GIF but no"), ("cut.png", png(1, 64)[:60])):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    pictures = TarImages(tmp_path / "p.tar")
    for i, name in enumerate(("empty.png", "forged.jpg", "cut.png")):
        with pytest.raises(BadImage, match=f"p.tar/{name}"): pictures[i]


def test_an_index_elsewhere(shards, tmp_path):
    where = tmp_path / "elsewhere" / "mine.npy"
    assert len(TarImages(shards, index=where)) == 15
    assert where.exists() and not list(shards.glob("*.npy"))


def test_index_past_the_end(shards):
    with pytest.raises(IndexError): TarImages(shards)[15]
    assert value(TarImages(shards)[-1]) == 14


def test_it_is_light_to_send_to_a_worker(shards):
    pictures = TarImages(shards)
    assert len(pickle.dumps(pictures)) < 1000 and value(pickle.loads(pickle.dumps(pictures))[7]) == 7


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_workers_read_the_same_pictures(shards):
    pictures = TarImages(shards)
    pictures[0]  # a file is open in the parent: a worker that shared it would move its place
    loader = DataLoader(pictures, batch_size=None, num_workers=3, multiprocessing_context="fork", timeout=120)
    assert [value(p) for p in loader] == list(range(15))


def test_a_worker_opens_files_of_its_own(shards):
    "A forked worker inherits its parent's open file, and both would move one place in it."
    pictures = TarImages(shards)
    pictures.read(0)
    with multiprocessing.get_context("fork").Pool(1) as pool: assert pool.map_async(_opens, [pictures]).get(120) == [1]


def _opens(pictures) -> int:
    before = opened.cache_info().misses
    pictures.read(3)
    return opened.cache_info().misses - before


def test_offsets_past_4_gb(tmp_path):
    "A sparse file stands in for a large tar: offsets need 64 bits."
    path = tmp_path / "large.tar"
    with open(path, "wb") as file:
        filler = tarfile.TarInfo("filler.bin")
        filler.size = 5 * 2**30
        file.write(filler.tobuf(tarfile.GNU_FORMAT))
        file.seek(filler.size, 1)
        info = tarfile.TarInfo("a.png")
        info.size = len(png(9))
        file.write(info.tobuf() + png(9).ljust(512, b"\0") + bytes(1024))
    pictures = TarImages(path)
    assert value(pictures[0]) == 9 and pictures.entries[0]["offset"] > 2**32


def test_an_enormous_file_is_refused_unread(tmp_path):
    with open(tmp_path / "large.tar", "wb") as file:
        info = tarfile.TarInfo("huge.png")
        info.size = 5 * 2**30  # more than the index's 32 bits can say
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        file.seek(info.size, 1)
        file.write(bytes(1024))
    with pytest.raises(BadImage, match="large.tar/huge.png: the file has .* bytes or more"):
        TarImages(tmp_path / "large.tar")[0]


def test_two_processes_may_build_at_once(shards):
    "Each writes beside the place and renames: whoever reads sees a whole index."
    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert pool.map_async(_count, [shards] * 8).get(120) == [15] * 8
    assert sorted(p.name for p in shards.glob("*.index.*")) == [
        f"shard-0.tar+2.{_name_of(find_archives(shards))}.index.{ending}" for ending in ("json", "npy")
    ]


def _count(where) -> int: return len(TarImages(where))


def test_a_list_of_tars_is_pictures_wherever_pictures_are_taken(shards, tmp_path):
    "Bug: a list was taken for picture files, none of which could be read."
    for tars in (sorted(tmp_path.glob("*.tar")), [str(path) for path in sorted(tmp_path.glob("*.tar"))]):
        source = open_pictures(tars)
        assert isinstance(source, TarImages) and [value(picture) for picture in source] == list(range(15))


def test_two_sets_that_share_a_tar_do_not_share_an_index(shards):
    "Named by the first tar and their number alone: a worker that opened the set anew read the other one's pictures."
    sets = [[shards / f"shard-{k}.tar" for k in pair] for pair in ((0, 1), (0, 2))]
    first, second = (TarImages(tars) for tars in sets)
    sent = pickle.loads(pickle.dumps(first))
    assert [value(picture) for picture in sent] == [value(picture) for picture in first] == list(range(10))
    assert [value(picture) for picture in second] == [*range(5), *range(10, 15)]
    # however the path is written
    assert TarImages([os.path.relpath(tar) for tar in sets[0]]).index.name == first.index.name
    write_tar(sets[0][1], ["00000.png"])
    with pytest.raises(BadArchive, match="changed since"): pickle.loads(pickle.dumps(first))


def test_threads_may_read_from_one_tar(shards):
    "`seek`, then `read`: between the two another thread had moved the file."
    images, switch = TarImages(shards), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda n: value(images[n % 15]) == n % 15, range(2000)))
    finally: sys.setswitchinterval(switch)
    assert all(found)


def test_a_disk_that_cannot_be_written_says_where_else(shards, monkeypatch):
    def read_only(path, data): raise OSError(errno.EROFS, "Read-only file system")
    monkeypatch.setattr(Path, "write_bytes", read_only)
    with pytest.raises(OSError, match="pass index="): TarImages(shards)


def test_a_tar_of_a_list_that_is_not_there_is_named(shards):
    with pytest.raises(FileNotFoundError, match="typo.tar"): TarImages([shards / "shard-0.tar", shards / "typo.tar"])
    with pytest.raises(FileNotFoundError, match="the list is empty"): TarImages([])


def test_find_archives(shards):
    one = shards / "shard-1.tar"
    assert find_archives(one) == [one] and len(find_archives(shards)) == len(find_archives(str(shards / "*.tar"))) == 3
    assert find_archives([one, shards / "shard-0.tar"])[1] == one


# ---- headers are a stranger's claims ----
def sparse_file(path, picture: Image.Image) -> bytes:
    "A BMP with long black runs, written with holes in the file."
    file = io.BytesIO()
    picture.save(file, "BMP")
    data = file.getvalue()
    with open(path, "wb") as out:
        for start in range(0, len(data), 4096):
            block = data[start:start + 4096]
            if block.strip(b"\0"):
                out.seek(start)
                out.write(block)
        out.truncate(len(data))
    return data


def gnu_sparse(name: str, data: bytes) -> bytes:
    "A member in GNU's old sparse format, by hand: runs of data only, and a map of up to four of them in the header."
    runs, start = [], None
    for at in range(0, len(data) + 512, 512):
        full = at < len(data) and data[at:at + 512].strip(b"\0")
        if full and start is None: start = at
        if not full and start is not None:
            runs.append((start, min(at, len(data)) - start))
            start = None
    assert 1 < len(runs) <= 3
    stored = b"".join(data[start:start + count].ljust(-(-count // 512) * 512, b"\0") for start, count in runs)
    info = tarfile.TarInfo(name)
    info.size = len(stored)
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[156:157] = b"S"
    places = [*runs, (len(data), 0)]  # the map ends where the file does
    for k, (start, count) in enumerate(places): header[386 + 24 * k:410 + 24 * k] = b"%011o\0%011o\0" % (start, count)
    header[483:495] = b"%011o\0" % len(data)
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + 8 * 32 + sum(header[156:512]))
    return bytes(header) + stored


def test_a_sparse_member_is_read_as_it_was(tmp_path):
    "Taken for a plain run of bytes, it became whatever followed in the tar: another picture, without an error."
    pixels = np.zeros((600, 600, 3), np.uint8)
    pixels[:80], pixels[-80:] = 200, 90
    pictures = [Image.fromarray(pixels), Image.fromarray(pixels[::-1].copy())]
    files = [sparse_file(tmp_path / f"{k}.bmp", picture) for k, picture in enumerate(pictures)]
    (tmp_path / "s.tar").write_bytes(
        b"".join(gnu_sparse(f"{k}.bmp", data) for k, data in enumerate(files)) + bytes(1024)
    )
    tars = TarImages(tmp_path / "s.tar")
    assert [tars.name(k) for k in range(2)] == ["s.tar/0.bmp", "s.tar/1.bmp"]
    assert [tars.read(k) for k in range(2)] == files
    for k, picture in enumerate(pictures): assert (tars[k].permute(1, 2, 0).numpy() * 255 == np.asarray(picture)).all()


def test_a_header_of_many_blocks_is_read(tmp_path):
    "More blocks of header than the index's 16 bits can count."
    with tarfile.open(tmp_path / "p.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        for k in range(2):
            info = tarfile.TarInfo(f"{k}.png")
            info.size = len(png(k))
            info.pax_headers = {"comment": "x" * 34_000_000} if k == 0 else {}
            tar.addfile(info, io.BytesIO(png(k)))
    tars = TarImages(tmp_path / "p.tar")
    assert [(tars.name(k), value(tars[k])) for k in range(2)] == [("p.tar/0.png", 0), ("p.tar/1.png", 1)]


def forged(path, field: slice, value: bytes, names=("a.png", "b.png")):
    "A tar whose first header says something else, with a checksum that fits."
    data = bytearray(write_tar(path, names).read_bytes())
    data[field] = value
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + 8 * 32 + sum(data[156:512]))
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("claim", ["negative size", "size past 2^63", "a gigabyte of names"])
def test_what_no_honest_header_says_is_refused(tmp_path, claim):
    "A negative size walks back and round in circles; a gigabyte of names was read into memory."
    path, size = tmp_path / "forged.tar", slice(124, 136)
    if claim == "negative size": forged(path, size, b"\xff" * 12)
    if claim == "size past 2^63": forged(path, size, b"\x80" + (2**63).to_bytes(11, "big"))
    if claim == "a gigabyte of names":
        info = tarfile.TarInfo("x")
        info.type, info.size = tarfile.XHDTYPE, 10**9
        with open(path, "wb") as file:
            file.write(info.tobuf(tarfile.USTAR_FORMAT))
            file.truncate(512 + 10**9)  # sparse: it takes no room on the disk
    with pytest.raises(BadArchive) as error: TarImages(path)
    assert error.value.path == str(path)


def test_a_pipe_is_no_tar(tmp_path):
    "Opening one waits for a writer, for ever."
    os.mkfifo(tmp_path / "p.tar")
    for where in (tmp_path / "p.tar", tmp_path, str(tmp_path / "*.tar"), [tmp_path / "p.tar"]):
        with pytest.raises(BadArchive) as error: find_archives(where)
        assert error.value.path == str(tmp_path / "p.tar")


@pytest.mark.parametrize(
    "damage", ["json is no text", "json is empty", "npy has no header", "an entry differs", "npy is empty"]
)
def test_a_damaged_index_is_built_again(shards, damage):
    old = TarImages(shards)
    npy, about = old.index, old.index.with_suffix(".json")
    data = bytearray(npy.read_bytes())
    if damage == "json is no text": about.write_bytes(b"\xff\xfe")
    if damage == "json is empty": about.write_bytes(b"")
    if damage == "npy has no header": npy.write_bytes(bytes(6) + data[6:])
    if damage == "an entry differs": npy.write_bytes(data[:-1] + b"\7")  # the shard's number
    if damage == "npy is empty": npy.write_bytes(b"")
    assert [value(picture) for picture in TarImages(shards)] == list(range(15))


def test_a_tar_that_changes_while_it_is_open_is_noticed(tmp_path):
    "Written over in place: the offsets then lead into other pictures."
    path = write_tar(tmp_path / "p.tar", ["a.png", "b.png", "c.png"])
    tars = TarImages(path)
    tars[2]
    empty = tarfile.TarInfo("a folder")
    empty.type = tarfile.DIRTYPE  # a header and nothing else: all that follows moves by half a picture
    with open(path, "r+b") as file:
        file.write(empty.tobuf() + write_tar(tmp_path / "new.tar", ["a.png", "b.png", "c.png"]).read_bytes())
    with pytest.raises(BadArchive) as error: tars[2]
    assert error.value.path == str(path)
