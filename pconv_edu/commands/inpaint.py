"""`pconv_inpaint`: fill the holes of one photo, or of a folder of photos whose masks lie in another folder."""
import os
import sys
import time
import warnings
from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from PIL import Image
from tqdm import tqdm

from pconv_edu.commands import FAILURES, Stop, device, in_all, parser, run, say, share
from pconv_edu.files import whole_file
from pconv_edu.inpainting import inpaint, load_pretrained
from pconv_edu.masks import MOST_HOLE, hole_ratio, to_mask
from pconv_edu.pictures import BadImage, list_images, open_image

WRITERS = {".png": {}, ".tif": {"compression": "tiff_lzw"}, ".tiff": {"compression": "tiff_lzw"}, ".bmp": {}, ".jpg": {"quality": 95}, ".jpeg": {"quality": 95},
           ".webp": {"lossless": True, "exact": True}}  # ending → how to save
HOLDS_16_BITS, HOLDS_TRANSPARENCY = (".png", ".tif", ".tiff"), (".png", ".tif", ".tiff", ".webp")


@dataclass(frozen=True)
class Job:
    "One photo to fill."
    name: str            # for messages
    photo: Path
    masks: list[Path]    # those of its name: one, when all is well
    out: Path


def save(picture: Image.Image, path: Path):
    "Write a filled picture, whole or not at all, with its colour profile."
    kept = {key: picture.info[key] for key in ("icc_profile", "dpi") if key in picture.info}
    with whole_file(path) as beside: picture.save(beside, **WRITERS[path.suffix.lower()], **kept)


def check_ending(photo: Path, out: Path):
    "Raise `ValueError` where a file of the output's kind cannot hold what the photo has."
    with open_image(photo) as picture: deep, clear = picture.mode.startswith("I"), picture.has_transparency_data
    for there, what, endings in ((deep, "16 bits", HOLDS_16_BITS), (clear, "transparency", HOLDS_TRANSPARENCY)):
        if there and out.suffix.lower() not in endings: raise ValueError(f"'{photo}' has {what}, which a {out.suffix} cannot hold; write {', '.join(endings)}")


def is_whole(path: Path) -> bool:
    "Is there a picture at `path` that can be opened (a PNG's checksums are looked at)?"
    try:
        with open_image(path): return True
    except BadImage: return False


def stems(folder: Path) -> dict[str, list[Path]]:
    "Name below the folder, without its ending → the files of that name."
    found = defaultdict(list)
    for path in list_images(folder): found[path.relative_to(folder).with_suffix("").as_posix()].append(path)
    return found


def jobs_of(photos: Path, masks: Path, out: Path, ending: str) -> list[Job]:
    "A job for each photo in a folder. Raises `Stop` when two photos would become one file."
    by_name, several = (stems(masks) if masks.is_dir() else None), stems(photos)
    twins = next((paths for paths in several.values() if len(paths) > 1), None)
    if twins: raise Stop(f"{' and '.join(map(str, twins))} would both become one file; rename one of them")
    return [Job(path.relative_to(photos).as_posix(), path, [masks] if by_name is None else by_name.get(name, []), out / f"{name}{ending}")
            for name, (path,) in several.items()]


def fill(job: Job, net: Callable, asked: Namespace, progress: bool = False):
    "Fill one photo and write it. Raises one of FAILURES."
    if not job.masks: raise ValueError(f"'{asked.mask}' has no mask of that name ({Path(job.name).with_suffix('')}.png or another ending)")
    if len(job.masks) > 1: raise ValueError(f"which is its mask: {' or '.join(map(str, job.masks))}?")
    check_ending(job.photo, job.out)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*of the picture is hole")  # the polarity was looked at before
        save(inpaint(job.photo, job.masks[0], net, hole=asked.hole, window=asked.window, overlap=asked.overlap, reach=asked.reach, progress=progress), job.out)


def check_polarity(masks: list[Path], asked: Namespace):
    "Raise `Stop` when at most 32 of the masks would be hole for the most part; where `--hole` says which colour it is, only warn."
    ratios = []
    for path in masks[::-(-len(masks) // 32)] if masks else []:
        try: ratios.append(float(hole_ratio(to_mask(path, asked.hole)[0])))
        except FAILURES: pass  # it is named when its turn comes
    if not ratios or fmean(ratios) <= MOST_HOLE: return
    share, color = f"{fmean(ratios):.0%} of '{asked.mask}' is", asked.hole or "white"
    if asked.hole: say(f"warning: {color} marks the hole, and {share} {color}")
    else: raise Stop(f"white marks the hole, and {share} white. If the black parts are the holes, say --hole black; if this is meant, say --hole white")


def run_one(asked: Namespace) -> int:
    "One photo, one mask, one output."
    if not asked.photos.exists(): raise Stop(f"there is no photo or folder '{asked.photos}'")
    if asked.mask.is_dir(): raise Stop(f"'{asked.mask}' is a folder, and '{asked.photos}' one photo; give one mask")
    if asked.out.is_dir(): raise Stop(f"'{asked.out}' is a folder; give the output's name, such as {asked.out / asked.photos.stem}.png")
    if asked.out.suffix.lower() not in WRITERS: raise Stop(f"'{asked.out}': its ending must be one of {', '.join(WRITERS)}")
    if asked.out.exists() and any(asked.out.samefile(path) for path in (asked.photos, asked.mask) if path.exists()): raise Stop(f"'{asked.out}' is the input itself; give the output another name")
    if asked.out.exists() and not asked.overwrite: raise Stop(f"'{asked.out}' is there already; --overwrite replaces it")
    for path in (asked.photos, asked.mask):
        with open_image(path): pass
    check_polarity([asked.mask], asked)
    start, net = time.perf_counter(), load_pretrained(asked.net).to(device(asked.device))
    fill(Job(str(asked.photos), asked.photos, [asked.mask], asked.out), net, asked, progress=not asked.quiet)
    if asked.out.suffix.lower() in (".jpg", ".jpeg"): say("JPEG stores every pixel anew; as .png the pixels outside the hole stay as they were")
    if not asked.quiet: print(f"{asked.out}: filled in {time.perf_counter() - start:.1f} s")
    return 0


def check_folders(asked: Namespace):
    "Raise `Stop` when the output would mix with the input, or is no folder."
    out = asked.out.resolve()
    for name in ("photos", "mask"):
        folder = getattr(asked, name).resolve()
        if out == folder or folder in out.parents: raise Stop(f"the output folder '{asked.out}' lies in '{getattr(asked, name)}'; a second run would take its pictures for input")
    if not asked.mask.exists(): raise Stop(f"there is no mask file or folder '{asked.mask}'")
    if asked.out.exists() and not asked.out.is_dir(): raise Stop(f"'{asked.out}' is a file; with a folder of photos, -o is a folder")
    asked.out.mkdir(parents=True, exist_ok=True)
    if not os.access(asked.out, os.W_OK | os.X_OK): raise Stop(f"there is no permission to write into '{asked.out}'")


def run_folder(asked: Namespace) -> int:
    "Every photo of a folder, or this process's share of them. What is there already stays; what fails is named."
    check_folders(asked)
    jobs, (rank, world) = jobs_of(asked.photos, asked.mask, asked.out, f".{asked.ending}"), share()
    check_polarity(sorted({job.masks[0] for job in jobs if job.masks}), asked)
    done, there, failed, net = 0, 0, 0, load_pretrained(asked.net).to(device(asked.device))
    for job in tqdm(jobs[rank::world], unit="photo", disable=asked.quiet, position=rank):
        if not asked.overwrite and job.out.exists() and is_whole(job.out): there += 1; continue
        try: fill(job, net, asked); done += 1
        except FAILURES as error: failed += 1; say(f"failed: {job.name}: {str(error) or type(error).__name__}")
    done, there, failed = in_all([done, there, failed])
    if rank == 0: print(f"{asked.out}: {done} filled, {there} were there already, {failed} failed")
    return 1 if failed else 0


def arguments():
    made = parser("pconv_inpaint", "Fill the hole of a photo, or the holes of a folder of photos.", """  pconv_inpaint photo.jpg --mask mask.png -o filled.png
  pconv_inpaint photos/ --mask masks/ -o filled/       masks/cat.png belongs to photos/cat.jpg; goes on where it stopped
  pconv_inpaint photos/ --mask logo.png -o filled/     one mask for all
  torchrun --nproc-per-node 4 --no-python pconv_inpaint photos/ --mask masks/ -o filled/""")
    add = made.add_argument
    add("photos", type=Path, metavar="PHOTO", help="a photo, or a folder of photos")
    add("--mask", type=Path, required=True, help="a picture of the hole, as large as the photo; or a folder of such, with the photos' names")
    add("-o", "--out", type=Path, required=True, help="the filled photo, or a folder for them")
    add("--net", help="weights: a name that ships, a .safetensors file, a training folder, hf:owner/name (default: pconv_small)")
    add("--hole", choices=("white", "black"), help="the hole's colour in the masks (default: white; refused where most would be hole)")
    add("--ending", choices=[ending[1:] for ending in WRITERS], default="png", help="of the files in the output folder (default: png, which keeps every pixel outside the hole)")
    add("--overwrite", action="store_true", help="fill again what is there already")
    add("--window", type=int, default=1024, help="pixels; larger photos are filled in parts of this size (default: %(default)s; less takes less memory)")
    add("--overlap", type=int, default=128, help="pixels that neighbouring parts share (default: %(default)s)")
    add("--reach", type=int, help="pixels into a hole that are filled at full size; what is deeper is filled smaller first (default: as deep as the network's layers see)")
    add("--device", help="cuda, cpu, … (default: a GPU if there is one)")
    add("--quiet", action="store_true", help="no progress bar")
    return made


def main(argv: list[str] | None = None) -> int:  # exit code
    "The command."
    return run(arguments(), lambda asked: run_folder(asked) if asked.photos.is_dir() else run_one(asked), argv)


if __name__ == "__main__": sys.exit(main())
