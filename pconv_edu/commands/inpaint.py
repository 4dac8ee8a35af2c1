"""`pconv_inpaint`: fill the holes of one photo, or of a folder of photos whose masks lie in another folder."""
import os
import sys
import time
import unicodedata
import warnings
from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from statistics import fmean

from PIL import Image
from torch import Tensor
from tqdm import tqdm

from pconv_edu import decoding
from pconv_edu.commands import FAILURES, Stop, device, in_all, parser, path, run, say, share
from pconv_edu.decoding import BadImage, open_image, set_max_pixels
from pconv_edu.files import whole_file
from pconv_edu.inpainting import as_photo, inpaint, png_chunks
from pconv_edu.masks import MOST_HOLE, dilate_hole, hole_ratio, resize_mask, to_mask
from pconv_edu.sources import SOURCES, Files, Source, archive_and_folder, archives, open_pictures
from pconv_edu.weights import load_pretrained

JPEG, TIFF = (".jpg", ".jpeg", ".jpe", ".jfif"), (".tif", ".tiff")
WRITERS = {  # ending → how to save
    ".png": {}, **dict.fromkeys(TIFF, {"compression": "tiff_lzw"}), ".bmp": {},
    **dict.fromkeys(JPEG, {"quality": 95}), ".webp": {"lossless": True, "exact": True}}
LONGEST = {".webp": 16383, **dict.fromkeys(JPEG, 65500)}  # pixels of a side that the format can hold
# what describes a photo in its EXIF: its text, camera, date and artist; not its layout, previews and maker notes
DESCRIBING = (270, 271, 272, 305, 306, 315, 316, 33432, *range(0x9C9B, 0x9CA0))
EXIF, GPS, MAKER_NOTE, OLD_SIZE = 0x8769, 0x8825, 0x927C, (0xA002, 0xA003)


@dataclass(frozen=True)
class Entry:
    "A picture of a folder or an archive, or a single file."
    source: Source  # where it comes from …
    i: int          # … and its number there
    place: Path     # the folder, archive, folder inside an archive, or file, as it was given

    @property
    def name(self) -> str: return self.source.name(self.i)

    @property
    def path(self) -> Path:
        "For messages: the file itself, or the archive and the name in it."
        if isinstance(self.source, Files): return Path(self.source.path(self.i))
        return archive_and_folder(self.place)[0].parent / self.name  # an archive's own name comes first in it

    @property
    def key(self) -> str:
        "What a photo and its mask share: the name below the folder, in the archive or there, without its ending."
        if isinstance(self.source, Files): return without_ending(self.name)
        member = self.name.partition("/")[2].removeprefix("./")
        folder = archive_and_folder(self.place)[1]
        return without_ending(member.removeprefix(f"{folder}/") if folder else member)

    @contextmanager
    def open(self) -> Iterator[Image.Image | Tensor]:
        "The picture, not yet decoded. Raises `BadImage` with its path."
        try:
            with self.source.open(self.i) as picture: yield picture
        except BadImage as error: raise BadImage(self.path, error.reason) from None


@dataclass(frozen=True)
class Job:
    "One photo to fill."
    photo: Entry
    masks: list[Entry]  # those of its name: one, when all is well
    out: Path


def without_ending(name: str) -> str: return PurePosixPath(name).with_suffix("").as_posix()


def holds_many(place: Path) -> bool:
    "Is it a folder, an archive, or a folder inside an archive?"
    return place.is_dir() or archive_and_folder(place)[0].suffix.lower() in SOURCES


def file_entry(file: Path) -> Entry: return Entry(Files([file]), 0, file)


def entries(place: Path) -> list[Entry]:
    "Every picture of a folder or archive."
    source = open_pictures(place)
    return [Entry(source, i, place) for i in range(len(source))]


# the photo

def is_clear(picture: Image.Image) -> bool:
    "Is any of its pixels transparent, at least a little? An alpha channel that is opaque all over holds nothing."
    if not picture.has_transparency_data: return False
    if picture.mode.startswith("I"): return True  # one of its levels stands for 'clear'
    return picture.convert("RGBA").getchannel("A").getextrema()[0] < 255


def check_ending(picture: Image.Image, photo: Path, out: Path):
    "Raise `ValueError` where a file of the output's kind cannot hold the photo; say what else it leaves out."
    ending, longest = out.suffix.lower(), max(picture.size)
    deep, info = picture.mode.startswith("I"), picture.info
    clear = (".png",) if deep else (".png", *TIFF, ".webp")
    for there, what, endings in ((deep, "16 bits", (".png", *TIFF)), (is_clear(picture), "transparency", clear)):
        if there and ending not in endings:
            raise ValueError(f"'{photo}' has {what}, which a {ending} cannot hold; write {', '.join(endings)}")
    if longest > LONGEST.get(ending, longest):
        raise ValueError(f"'{photo}' is {picture.width} × {picture.height}, and a {ending} holds {LONGEST[ending]} "
                         "pixels per side; write .png or .tif")
    hdr = any(kind == b"cICP" for kind, _ in info.get("png_colors", ()))
    gamma = hdr or "icc_profile" not in info and info.get("gamma", .45455) != .45455  # that of sRGB needs no word
    for lost, what in ((ending == ".bmp" and "icc_profile" in info, "colour profile"),
                       (ending != ".png" and gamma, "gamma, so that it looks different")):
        if lost: say(f"warning: {photo}: a {ending} cannot hold its {what}")


def described(job: Job) -> dict[str, Image.Exif]:
    "The photo's EXIF to save with the result, without whatever may still show what was taken out."
    kept = Image.Exif()
    try:
        with warnings.catch_warnings(), job.photo.open() as picture:
            if not isinstance(picture, Image.Image): return {}
            warnings.simplefilter("ignore")
            picture.load()  # a PNG may have it after its pixels
            old = picture.getexif()
            for tag in DESCRIBING:
                if tag in old: kept[tag] = old[tag]
            for tag in (EXIF, GPS):
                part = {key: value for key, value in old.get_ifd(tag).items() if key not in (MAKER_NOTE, *OLD_SIZE)}
                if part: kept[tag] = part
        if not len(kept): return {}
        whole = Image.Exif()
        whole.load(kept.tobytes())  # as read from a file: TIFF wants its parts so
        return {"exif": whole}
    except Exception as error:  # Pillow meets broken EXIF with every kind of error
        say(f"warning: {job.photo.path}: its EXIF cannot be read, and is left out ({type(error).__name__}: {error})")
        return {}


def save(picture: Image.Image, out: Path, exif: dict):
    "Write a filled picture, whole or not at all, with its colours described as the photo's."
    ending = out.suffix.lower()
    if picture.mode in ("LA", "RGBA") and ending in (*JPEG, ".bmp"): picture = picture.convert(picture.mode[:-1])
    kept = {key: picture.info[key] for key in ("icc_profile", "dpi") if key in picture.info}
    chunks = {"pnginfo": png_chunks(picture.info)} if ending == ".png" else {}
    with whole_file(out) as beside:
        format = Image.registered_extensions()[ending]  # whatever the file beside is called
        how = {} if exif and ending in TIFF else WRITERS[ending]  # Pillow cannot compress a TIFF that has all of EXIF
        picture.save(beside, format, **how, **kept, **chunks, **exif)


# the mask

def read_mask(entry: Entry, hole: str | None) -> Tensor:  # [1,1,H,W], 1 = valid
    with entry.open() as picture: return to_mask(picture, hole, name=f"'{entry.path}'")


def mask_of(job: Job, width: int, height: int, options: Namespace) -> Tensor:  # [1,1,H,W], 1 = valid
    "The mask of a photo of this size, as the options want it. Raises `ValueError` for one without a hole."
    (entry,) = job.masks
    mask, file = read_mask(entry, options.hole), entry.path
    h, w = mask.shape[-2:]
    if mask.all():
        color, other = (options.hole, "white") if options.hole == "black" else ("white", "black")
        raise ValueError(f"'{file}' has no hole: none of its pixels is {color} (by more than half), and what is "
                         f"transparent is not painted. Paint the hole {color}; if it is {other}, say --hole {other}")
    if options.resize_mask and (h, w) != (height, width):
        say(f"{file}: {w} × {h}, resized to the photo's {width} × {height}")
        mask = resize_mask(mask, (height, width))
        if mask.all(): raise ValueError(f"the hole of '{file}' is too thin to be left at {width} × {height}")
    return dilate_hole(mask, 2 * options.dilate + 1)


def check_polarity(ratios: list[float], options: Namespace):
    "Raise `Stop` when the masks would be hole for the most part; where `--hole` says which colour it is, only warn."
    if not ratios or fmean(ratios) <= MOST_HOLE: return
    part, color = f"{fmean(ratios):.0%} of '{options.mask}' is", options.hole or "white"
    if options.hole: say(f"warning: {color} marks the hole, and {part} {color}")
    else:
        raise Stop(f"white marks the hole, and {part} white. If the black parts are the holes, say --hole black; "
                   "if this is meant, say --hole white")


def ratios_of(masks: list[Entry], hole: str | None) -> list[float]:
    "Share of hole of at most 32 of the masks. One that cannot be read is named when its turn comes."
    ratios = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for mask in masks[::-(-len(masks) // 32)] if masks else []:
            try: ratios.append(hole_ratio(read_mask(mask, hole)[0]))
            except FAILURES: pass
    return ratios


# one photo

def prepare(job: Job, options: Namespace) -> tuple[Image.Image, Tensor, dict]:
    "Photo, mask and EXIF. Whatever can be refused is refused here, before the work: raises one of FAILURES."
    if not job.masks:
        raise ValueError(f"'{options.mask}' has no mask of that name ({job.photo.key}.png, or with another extension)")
    if len(job.masks) > 1: raise ValueError(f"which is its mask: {' or '.join(str(m.path) for m in job.masks)}?")
    for file in (job.photo.path, *(mask.path for mask in job.masks)):
        if job.out.exists() and file.exists() and job.out.samefile(file):
            raise ValueError(f"'{job.out}' is the input itself; give the output another name")
    with job.photo.open() as opened: picture = as_photo(opened, job.photo.path)
    check_ending(picture, job.photo.path, job.out)
    exif = described(job) if options.keep_exif else {}
    if exif and job.out.suffix.lower() == ".bmp": say(f"warning: {job.photo.path}: a .bmp cannot hold its EXIF")
    return picture, mask_of(job, *picture.size, options), exif


def fill(prepared: tuple, out: Path, net: Callable, options: Namespace, progress: bool = False):
    "Fill a photo and write it. Raises one of FAILURES."
    picture, mask, exif = prepared
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*of the picture is hole")  # the polarity was looked at before
        filled = inpaint(picture, mask, net, window=options.window, overlap=options.overlap, reach=options.reach,
                         progress=progress)
    save(filled, out, exif)


def run_one(options: Namespace) -> int:
    "One photo, one mask, one output."
    photo, mask, out = options.photos, options.mask, options.out
    if not photo.exists(): raise Stop(f"there is no photo or folder '{photo}'")
    if holds_many(mask): raise Stop(f"'{mask}' holds many masks, and '{photo}' is one photo; give one mask")
    if out.is_dir(): raise Stop(f"'{out}' is a folder; give the output's name, such as {out / photo.stem}.png")
    if out.suffix.lower() not in WRITERS: raise Stop(f"'{out}': its ending must be one of {', '.join(WRITERS)}")
    prepared = prepare(Job(file_entry(photo), [file_entry(mask)], out), options)
    if out.exists() and not options.overwrite: raise Stop(f"'{out}' is there already; --overwrite replaces it")
    check_polarity([hole_ratio(prepared[1][0])], options)
    start, net = time.perf_counter(), load_pretrained(options.net).to(device(options.device))
    fill(prepared, out, net, options, progress=not options.quiet)
    if out.suffix.lower() in JPEG:
        say("JPEG stores every pixel again; as .png the pixels outside the hole stay as they were")
    if not options.quiet: print(f"{out}: filled in {time.perf_counter() - start:.1f} s")
    return 0


# a folder

def is_whole(file: Path) -> bool:
    "Is there a picture at `file` that can be opened (a PNG's checksums are looked at)?"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open_image(file): return True
    except BadImage: return False


def composed(name: str) -> str:
    "One spelling for all: é may be one letter (Windows, Linux), or an e and an accent (macOS)."
    return unicodedata.normalize("NFC", name)


def masks_by_name(place: Path) -> Callable[[str], list[Entry]]:
    "A photo's key → its masks: those of the very name, or else those that are spelled alike."
    exact, alike = defaultdict(list), defaultdict(list)
    for mask in entries(place):
        exact[mask.key].append(mask)
        alike[composed(mask.key)].append(mask)
    return lambda key: exact.get(key) or alike.get(composed(key), [])


def jobs_of(photos: Path, masks: Path, out: Path, ending: str) -> list[Job]:
    "A job for each photo of a folder or archive. Raises `Stop` when two photos would become one file."
    found = masks_by_name(masks) if holds_many(masks) else lambda key: [file_entry(masks)]
    several = defaultdict(list)
    for photo in entries(photos): several[without_ending(photo.name)].append(photo)
    twins = next((photos for photos in several.values() if len(photos) > 1), None)
    if twins:
        raise Stop(f"{' and '.join(str(photo.path) for photo in twins)} would both become one file; rename one of them")
    return [
        Job(photo, found(photo.key), inside(out, f"{name}{ending}"))
        for name, (photo,) in several.items()
    ]


def inside(folder: Path, name: str) -> Path:
    "A path below the folder. Raises `Stop` for the name of an archive's member that leads out of it."
    if ".." in PurePosixPath(name).parts: raise Stop(f"'{name}' would be written outside '{folder}'")
    return folder / name.lstrip("/")


def check_folders(options: Namespace):
    "Raise `Stop` when the output would mix with the input, or is no folder."
    out = options.out.resolve()
    for name in ("photos", "mask"):
        folder = getattr(options, name)
        if folder.resolve() in (out, *out.parents):
            raise Stop(f"the output folder '{options.out}' lies in '{folder}'; "
                       "a second run would take its pictures for input")
    if not archive_and_folder(options.mask)[0].exists(): raise Stop(f"there is no mask file or folder '{options.mask}'")
    if options.out.exists() and not options.out.is_dir():
        raise Stop(f"'{options.out}' is a file; with a folder of photos, -o is a folder")
    options.out.mkdir(parents=True, exist_ok=True)
    if not os.access(options.out, os.W_OK | os.X_OK):
        raise Stop(f"there is no permission to write into '{options.out}'")


def run_folder(options: Namespace) -> int:
    "Every photo of a folder, or this process's share. What is there already stays; what fails is named."
    check_folders(options)
    jobs, (rank, world) = jobs_of(options.photos, options.mask, options.out, f".{options.ending}"), share()
    masks = {job.masks[0].path: job.masks[0] for job in jobs if job.masks}
    check_polarity(ratios_of([masks[path] for path in sorted(masks)], options.hole), options)
    done, there, failed, net = 0, 0, 0, load_pretrained(options.net).to(device(options.device))
    for job in tqdm(jobs[rank::world], unit="photo", disable=options.quiet, position=rank):
        if not options.overwrite and job.out.exists() and is_whole(job.out):
            there += 1
            continue
        try:
            fill(prepare(job, options), job.out, net, options)
            done += 1
        except FAILURES as error:
            failed += 1
            say(f"failed: {job.photo.name}: {str(error) or type(error).__name__}")
    done, there, failed = in_all([done, there, failed])
    if rank == 0: print(f"{options.out}: {done} filled, {there} were there already, {failed} failed")
    return 1 if failed else 0


# the command

@contextmanager
def larger(pixels: int | None):
    "Take pictures of up to this many pixels in this block."
    usual = decoding.MAX_PIXELS
    if pixels is not None: set_max_pixels(pixels)
    try: yield
    finally: set_max_pixels(usual)


def fill_all(options: Namespace) -> int:
    "One photo, or a folder of them."
    if options.dilate < 0: raise Stop(f"--dilate {options.dilate}: give 0 or more pixels")
    with larger(options.max_pixels):
        return run_folder(options) if holds_many(options.photos) else run_one(options)


EXAMPLES = """  pconv_inpaint photo.jpg --mask mask.png -o filled.png
  pconv_inpaint photos/ --mask masks/ -o filled/       masks/cat.png belongs to photos/cat.jpg; resumes where it stopped
  pconv_inpaint photos/ --mask logo.png -o filled/     one mask for all
  torchrun --nproc-per-node 4 --no-python pconv_inpaint photos/ --mask masks/ -o filled/

An output that is a symbolic link is written through: the file it points to is replaced, and the link stays."""


def arguments():
    made = parser("pconv_inpaint", "Fill the hole of a photo, or the holes of a folder of photos.", EXAMPLES)
    add = made.add_argument
    add("photos", type=path, metavar="PHOTO",
        help=f"a photo, a folder of photos, or {archives()} or a folder inside one")
    add("--mask", type=path, required=True,
        help=f"a picture of the hole, as large as the photo; or a folder or {archives()} of masks "
             "with the photos' names")
    add("-o", "--out", type=path, required=True, help="the filled photo, or a folder for them")
    add("--net", help="weights: a name that ships, a .safetensors file, a training folder, hf:owner/name "
                      "(default: pconv_small)")
    add("--hole", choices=("white", "black"),
        help="the hole's colour in the masks (default: white; refused where most would be hole)")
    add("--dilate", type=int, default=0, metavar="PIXELS",
        help="grow the hole by this many pixels on every side, to take in its edges (default: %(default)s)")
    add("--resize-mask", action="store_true",
        help="resize a mask that is not as large as its photo, and say so (default: refuse it)")
    add("--ending", choices=[ending[1:] for ending in WRITERS], default="png",
        help="format of the files in the output folder (default: png, which keeps every pixel outside the hole)")
    add("--keep-exif", action="store_true",
        help="copy the photo's EXIF (camera, date, place), without previews and maker notes, which may still show what "
             "was taken out (default: leave EXIF out; colour profile, gamma and resolution are always kept)")
    add("--overwrite", action="store_true", help="fill photos again that are filled already")
    add("--window", type=int, default=1024,
        help="pixels; larger photos are filled in parts of this size (default: %(default)s; smaller saves memory)")
    add("--overlap", type=int, default=128, help="pixels that neighbouring parts share (default: %(default)s)")
    add("--reach", type=int, help="how many pixels into a hole to fill at full size; what is deeper is first filled "
                                  "at a smaller size (default: what the weights say, or as deep as the layers see)")
    add("--max-pixels", type=int, metavar="N",
        help=f"refuse pictures of more pixels before they are decoded (default: {decoding.MAX_PIXELS:,})")
    add("--device", help="cuda, cpu, … (default: a GPU if there is one)")
    add("--quiet", action="store_true", help="no progress bar")
    return made


def main(argv: list[str] | None = None) -> int:  # exit code
    "The command."
    return run(arguments(), fill_all, argv)


if __name__ == "__main__": sys.exit(main())
