"""Packaging for pconv_edu: everything comes from settings.ini, which nbdev reads too."""
import re
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

here = Path(__file__).parent
config = ConfigParser(delimiters=["="], interpolation=None)
config.read(here / "settings.ini", encoding="utf-8")
cfg = config["DEFAULT"]
extras = {key.removesuffix("_requirements"): cfg[key].split() for key in cfg if key.endswith("_requirements")}
extras["lessons"] = sorted(package for name in ("classical", "hub", "onnx", "tensorboard") for package in extras[name])
extras["dev"] = sorted({package for packages in extras.values() for package in packages})
source = f"{cfg['git_url']}/blob/{cfg['branch']}"


def readme() -> str:
    "The README with addresses that also work on a package index, which has none of the repository's files."
    text = (here / "README.md").read_text(encoding="utf-8")
    pictures = cfg["git_url"].replace("github.com", "raw.githubusercontent.com") + f"/{cfg['branch']}"
    text = re.sub(r"!\[([^]]*)\]\((?!\w+:)([^)]+)\)", rf"![\1]({pictures}/\2)", text)
    text = re.sub(r'(src|srcset)="(?!\w+:)([^"]+)"', rf'\1="{pictures}/\2"', text)
    return re.sub(r"\]\((?!\w+:|#)([^)]+)\)", rf"]({source}/\1)", text)  # badges, too: links around a picture


class BuildWithSamples(build_py):
    "Samples, trained weights and their cards lie once in the repository, in data_samples; a wheel has them inside."
    def run(self):
        super().run()
        if getattr(self, "editable_mode", False): return  # setuptools before 64 has none
        for file in sorted(path for path in (here / "data_samples").rglob("*") if path.is_file()):
            target = Path(self.build_lib, "pconv_edu", file.relative_to(here))
            self.mkpath(str(target.parent))
            self.copy_file(str(file), str(target))


setup(
    cmdclass={"build_py": BuildWithSamples},
    name=cfg["lib_name"],
    version=cfg["version"],
    description=cfg["description"],
    long_description=readme(),
    long_description_content_type="text/markdown",
    author=cfg["author"],
    author_email=cfg["author_email"],
    url=cfg["git_url"],
    project_urls={
        "Documentation": cfg["doc_host"] + cfg["doc_baseurl"],
        "Source": cfg["git_url"],
        "Issues": cfg["git_url"] + "/issues",
        "Changelog": source + "/CHANGELOG.md",
        "Paper": "https://arxiv.org/abs/1804.07723",
    },
    keywords=cfg["keywords"],
    license="Apache-2.0",
    packages=find_packages(include=["pconv_edu", "pconv_edu.*"]),
    package_data={"pconv_edu": ["static/*", "py.typed"]},
    python_requires=">=" + cfg["min_python"],
    install_requires=cfg["requirements"].split(),
    extras_require=extras,
    entry_points={"console_scripts": cfg["console_scripts"].split()},
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Framework :: Jupyter",
        "Intended Audience :: Education",
        "Intended Audience :: Science/Research",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3",
        *(f"Programming Language :: Python :: 3.{minor}" for minor in range(10, 15)),
        "Topic :: Education",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Scientific/Engineering :: Image Processing",
        "Typing :: Typed",
    ],
    zip_safe=False,
)
