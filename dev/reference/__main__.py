"""`python -m dev.reference`: write the generated parts; with `--check` only name the files that differ."""

import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "console.settings"
django.setup()

from dev.reference import files  # noqa: E402 - Django must be set up before


def main() -> int:
    """Return 1 if `--check` found a file that differs."""
    check = sys.argv[1:] == ["--check"]
    differing = [(path, text) for path, text in files.generated() if path.read_text(encoding="utf-8") != text]
    for path, text in differing if not check else ():
        path.write_text(text, encoding="utf-8")
    names = ", ".join(path.relative_to(files.ROOT).as_posix() for path, _ in differing)
    if differing:
        print(f"not as the code says: {names}: run `python -m dev.reference`" if check else f"wrote {names}")
    return int(check and bool(differing))


if __name__ == "__main__":
    sys.exit(main())
