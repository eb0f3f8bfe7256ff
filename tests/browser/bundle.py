"""The page as a browser can load it: its script and the packages it imports, in one file."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
#: Git ignores it.
BUILD = HERE.parents[1] / "build" / "browser"
ESBUILD = (
    *("--bundle", "--format=iife", "--global-name=phone", "--define:global=window"),
    *("--target=chrome120", "--log-level=error"),
)


def bundle() -> Path:
    """Return the page, bundled anew only if the lock file or the page has changed.

    Raises:
        subprocess.CalledProcessError: the script can't be bundled.
    """
    sources = [HERE / "package-lock.json", *sorted((HERE / "page").iterdir()), Path(__file__)]
    key = hashlib.sha256(b"\0".join(one.read_bytes() for one in sources)).hexdigest()[:16]
    page = BUILD / key / "index.html"
    if page.exists():
        return page
    BUILD.mkdir(parents=True, exist_ok=True)
    esbuild = MODULES / ".bin" / "esbuild"
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="unfinished-") as name:
        made = Path(name, "page")
        made.mkdir()
        shutil.copy(HERE / "page" / "index.html", made)
        subprocess.run(
            [esbuild, "page/page.js", f"--outfile={made / 'page.js'}", *ESBUILD],
            cwd=HERE,
            check=True,
        )
        # Whoever else makes it now makes the same.
        if not page.exists():
            made.rename(page.parent)
    return page
