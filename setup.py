"""Packaging for pconv_edu: everything comes from settings.ini, which nbdev reads too."""
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

here = Path(__file__).parent
config = ConfigParser(delimiters=["="], interpolation=None)
config.read(here / "settings.ini", encoding="utf-8")
cfg = config["DEFAULT"]
extras = {key.removesuffix("_requirements"): cfg[key].split() for key in cfg if key.endswith("_requirements")}
extras["dev"] = sorted({package for packages in extras.values() for package in packages})


class BuildWithWeights(build_py):
    "Trained weights and their cards lie once in the repository, in data_samples/weights; a wheel has them inside."
    KINDS = "*.safetensors", "*.json", "*.md"

    def run(self):
        super().run()
        if getattr(self, "editable_mode", False): return  # setuptools before 64 has none
        for file in sorted(file for kind in self.KINDS for file in (here / "data_samples" / "weights").glob(kind)):
            self.mkpath(str(Path(self.build_lib, "pconv_edu", "weights")))
            self.copy_file(str(file), str(Path(self.build_lib, "pconv_edu", "weights", file.name)))


setup(
    cmdclass={"build_py": BuildWithWeights},
    name=cfg["lib_name"],
    version=cfg["version"],
    description=cfg["description"],
    long_description=(here / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author=cfg["author"],
    author_email=cfg["author_email"],
    url=cfg["git_url"],
    keywords=cfg["keywords"],
    license="Apache-2.0",
    packages=find_packages(include=["pconv_edu", "pconv_edu.*"]),
    package_data={"pconv_edu": ["static/*"]},
    python_requires=">=" + cfg["min_python"],
    install_requires=cfg["requirements"].split(),
    extras_require=extras,
    entry_points={"console_scripts": cfg["console_scripts"].split()},
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Education",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
    zip_safe=False,
)
