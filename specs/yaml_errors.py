"""What ruamel.yaml says of broken YAML, in words for an economist."""

from __future__ import annotations

import re

from ruamel.yaml.error import MarkedYAMLError

from specs.source import Source

__all__ = ["explain"]

_QUOTE_FLOW = "inside {} and [] quote an expression that holds [ or a comma: \"nace in ['C', 'G']\""

# (pattern of ruamel's problem, whether to point at the context instead, what, meaning, advice)
_KNOWN: tuple[tuple[str, bool, str, str, str], ...] = (
    (r"character '\\t'", False, "a tab", "YAML indents by spaces", "replace it by spaces"),
    (r"tab", False, "a tab", "YAML indents by spaces", "replace it by spaces"),
    (r"character '(?P<sign>[@`%])'", False, 'a text begins with "{sign}"', "YAML keeps it for itself",
     "quote the text"),
    (r"mapping values are not allowed", False, 'a second ":" on one line', "",
     "quote a text that holds a colon and a space, or check the indentation"),
    (r"expected ',' or '\}', but got '<stream end>'", True, '"{{" is opened and never closed', "",
     'add "}"'),
    (r"expected ',' or '\]', but got '<stream end>'", True, '"[" is opened and never closed', "", 'add "]"'),
    (r"expected ',' or '[\}\]]', but got ':'", False, '":" is not expected here', "",
     "close the [ or { above, or put a comma between two keys"),
    (r"expected ',' or '[\}\]]', but got '(?P<sign>.+)'", False, '"{sign}" is not expected here', "",
     _QUOTE_FLOW),
    (r"expected node content|expected the node content", False, "a value is missing here", "",
     "give one, or quote a text that begins with a sign"),
    (r"sequence entries are not allowed", False, 'a "-" behind a key', "", "begin the list on its own line"),
    (r"could not find expected ':'", True, 'a key without ":"', "",
     "write key: value with a space behind the colon, or check the indentation"),
    (r"expected <block end>", False, "this line fits no other", "its indentation or its beginning differs",
     "indent the keys of one map alike"),
    (r"unexpected end of stream", True, "a quotation mark is opened and never closed", "", "close it"),
    (r"unexpected document separator", True, "a quotation mark is opened and never closed", "", "close it"),
    (r"unknown escape character '(?P<sign>.+)'", False, '"\\{sign}" has no meaning in double quotes', "",
     "write single quotes: 'data\\file.csv'"),
    (r"expected escape sequence", False, "an escape that is not complete", "", "write single quotes instead"),
    (r"undefined tag handle", False, "a tag", "a spec holds plain values", "leave it out"),
    (r"alphabetic or numeric|comment", False, "& or * begins an anchor or alias here", "",
     "quote the text"),
    (r"chomping|indentation indicator", False, "| or > begins a text on several lines here", "",
     "quote the text"),
    (r"directive|%YAML", False, "a YAML directive", "specs are YAML 1.2",
     "leave out the line that begins with %"),
    (r"expected '<document start>'", False, "the file does not go on here", "a file holds one map of keys",
     "check the indentation"),
)  # fmt: skip
_SIGNS = {"<scalar>": "text", "<stream end>": "the end"}


def explain(error: MarkedYAMLError | None, source: Source) -> tuple[int, str, str, str]:
    """Say what is wrong.

    Returns
    -------
    index : int
        The character of the text that is meant.
    what, meaning, advice : str
    """
    if error is None:
        return 0, "not readable as YAML", "", ""
    mark = error.problem_mark or error.context_mark
    context = error.context_mark or mark
    index = mark.index if mark is not None else 0
    said = str(error.problem or error.context or "")
    for pattern, at_context, what, meaning, advice in _KNOWN:
        match = re.search(pattern, said)
        if match is None:
            continue
        sign = match.groupdict().get("sign") or ""
        place = context.index if at_context and context is not None else index
        return place, what.format(sign=_SIGNS.get(sign, sign)), meaning, advice
    return index, f"not readable as YAML: {said}", "", ""
