"""The browser's half of panels: plain modules in ``static/``, and in ``built/`` what is shared with Lab's pages.

anywidget takes one module and one style sheet per widget, so plain files are joined and imports among them dropped.
"""

import re
from functools import cache
from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).parent / "static"
BUILT: Final = Path(__file__).parent / "built"
_IMPORT: Final = re.compile(r'^import \{[^}]*\} from "\./\w+\.mjs";\n', re.MULTILINE)


@cache
def module(*names: str) -> str:
    """Return the modules as one; each may import from those named before it."""
    return "\n".join(_IMPORT.sub("", (STATIC / f"{name}.mjs").read_text("utf-8")) for name in names)


@cache
def style(*names: str) -> str:
    """Return the style sheets as one."""
    return "\n".join((STATIC / f"{name}.css").read_text("utf-8") for name in names)


@cache
def built(name: str) -> str:
    """Return a file that was bundled from TypeScript. Raise `FileNotFoundError` where that was not done."""
    path = BUILT / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: run `make install`, which builds it.")
    return path.read_text("utf-8")
