"""Sphinx extension: the comment behind or above each argument becomes the parameter's description in the reference."""
import ast
import inspect
import io
import re
import textwrap
import tokenize


def as_rst(text: str) -> str:
    "Plain text with `code` as reStructuredText: code stays code, and no other sign means anything."
    parts = re.split(r"(`[^`]+`)", text)
    for i, part in enumerate(parts):
        if i % 2: parts[i] = f"`{part}`"
        else:
            apart = "\\ " if i and re.match(r"\w", part) else ""  # code ends only before a sign or a space
            parts[i] = apart + re.sub(r"([*|\\]|_(?!\w))", r"\\\1", part)
    return "".join(parts)


def syntax_of(found) -> tuple[str, ast.AST] | None:
    "Source and syntax tree of a function, of a class's `__init__`, or of a class whose fields are in its body."
    if inspect.isclass(found):
        owner = next((c for c in found.__mro__ if c.__module__.startswith("pconv_edu") and "__init__" in vars(c)), None)
        # written by hand, and not by @dataclass
        if owner and owner.__init__.__code__.co_filename != "<string>": found = owner.__init__
    try: source = textwrap.dedent(inspect.getsource(inspect.unwrap(found)))
    except (TypeError, OSError): return None
    node = ast.parse(source).body[0]
    # the source of a lambda is the statement it is in: no comment there is an argument's
    return (source, node) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) else None


def lines_of(node: ast.AST) -> dict[str, tuple[int, int]]:
    "The lines on which each argument (its default included) or field begins and ends."
    if isinstance(node, ast.ClassDef):
        parts = [part for part in node.body if isinstance(part, ast.AnnAssign)]
        return {part.target.id: (part.lineno, part.end_lineno) for part in parts}
    a = node.args
    first = [*a.posonlyargs, *a.args]
    pairs = [
        *zip(first, [None] * (len(first) - len(a.defaults)) + a.defaults), *zip(a.kwonlyargs, a.kw_defaults),
        (a.vararg, None), (a.kwarg, None),
    ]
    return {arg.arg: (arg.lineno, (default or arg).end_lineno) for arg, default in pairs if arg}


def comments(found) -> dict[str, str]:
    """{argument: the comment behind it, or else the one above it} of a function or class; what it returns stands under
    'return'.
    """
    read = syntax_of(found)
    if not read: return {}
    behind, above = {}, {}
    for token in tokenize.generate_tokens(io.StringIO(read[0]).readline):
        if token.type != tokenize.COMMENT: continue
        (above if token.line.lstrip().startswith("#") else behind)[token.start[0]] = token.string.lstrip("# ")
    returned = getattr(getattr(read[1], "returns", None), "end_lineno", None)
    said = {}
    for name, (first, last) in lines_of(read[1]).items():
        if last in behind and last != returned: said[name] = behind[last]
        elif first - 1 in above:
            top = first - 1
            while top - 1 in above: top -= 1
            said[name] = " ".join(above[line] for line in range(top, first))
    return said | ({"return": behind[returned]} if returned in behind else {})


def stars(found) -> dict[str, str]:
    "The stars before `*args` and `**kwargs`, escaped."
    try: parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError): return {}
    return {p.name: {p.VAR_POSITIONAL: r"\*", p.VAR_KEYWORD: r"\*\*"}.get(p.kind, "") for p in parameters}


def fields(found) -> list[str]:
    "The field list that Sphinx turns into 'Parameters' and 'Returns'."
    if not (getattr(found, "__module__", None) or "").startswith("pconv_edu"): return []
    read = comments(found)
    returned = read.pop("return", None)
    named = [f":param {stars(found).get(name, '')}{name}: {as_rst(text)}" for name, text in read.items()]
    return named + ([f":returns: {as_rst(returned)}"] if returned else [])


def document(app, what, name, found, options, lines):
    "The docstring as reStructuredText, then the comments behind the arguments."
    lines[:] = as_rst("\n".join(lines)).split("\n")  # at once: code in backticks may go over a line's end
    if what in ("function", "method", "class", "exception") and callable(found):
        made = fields(found)
        if made: lines += ["", *made, ""]


def skip(app, what, name, found, skip_it, options):
    """Leave out the undocumented fields of a class, which its parameters say already, and methods that another library
    gave it.
    """
    home = getattr(found, "__module__", None)
    if what == "class" and callable(found) and home and not home.startswith("pconv_edu"): return True
    if what == "class" and not callable(found) and not isinstance(found, (property, staticmethod, classmethod)):
        return True
    return None


def setup(app):
    app.connect("autodoc-process-docstring", document)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
