"""How Sphinx builds the site; `make docs` copies this folder to build/site and adds what it makes."""
import importlib
import inspect
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = next(folder for folder in HERE.parents if (folder / "settings.ini").exists())
sys.path[:0] = [str(HERE / "_ext"), str(ROOT / "tools"), str(ROOT)]
from course import settings, source_url

cfg = settings()
project, author, release, copyright = cfg["title"], cfg["author"], cfg["version"], cfg["copyright"]
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.linkcode", "sphinx.ext.mathjax", "docments"]
exclude_patterns = ["_ext", "extra"]

# Notebooks are committed with their outputs: nothing is run.
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "attrs_block", "colon_fence"]
myst_heading_anchors = 4
mathjax_path = "mathjax-tex-svg-full.js"  # from this site, no other server

autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"
default_role = "literal"
smartquotes = False  # H' is a height, not a quotation

html_theme = "furo"
html_title = cfg["title"]
html_baseurl = cfg["doc_host"] + cfg["doc_baseurl"] + "/"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["player.js", "explore.js"]
html_extra_path = ["extra"] if (HERE / "extra").exists() else []
html_copy_source = html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b62a0", "color-brand-content": "#0b62a0"},
    "dark_css_variables": {"color-brand-primary": "#6db3e8", "color-brand-content": "#6db3e8"},
}


def linkcode_resolve(domain, info):
    "The line on the git host where a documented name begins."
    if domain != "py" or not info["module"]: return None
    found = importlib.import_module(info["module"])
    try:
        for part in info["fullname"].split("."): found = inspect.unwrap(getattr(found, part))
        file, (_, line) = inspect.getsourcefile(found), inspect.getsourcelines(found)
    except (TypeError, OSError, AttributeError): return None  # a constant, or something that has no source
    path = Path(file)
    return (
        f"{source_url(path.relative_to(ROOT).as_posix())}#L{line}" if path.is_relative_to(ROOT / "pconv_edu") else None
    )
