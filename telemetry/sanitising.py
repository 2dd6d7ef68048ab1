"""Makes text from outside safe and short enough to print: it may contain escape sequences."""

REPLACED = "\N{REPLACEMENT CHARACTER}"


def one_line(text: str, longest: int | None = None) -> str:
    """Return the text on one line of at most `longest` characters, without unprintable ones.

    Unprintable are escape sequences, other control characters, and those that turn the direction of writing.
    """
    if longest is not None and len(text) > longest:
        text = f"{text[:longest]}… ({len(text):,} characters)"
    if text.isprintable() and "  " not in text and text == text.strip():
        return text  # as nearly all texts
    line = " ".join(text.split())
    return line if line.isprintable() else "".join(char if char.isprintable() else REPLACED for char in line)


def lines(text: str) -> str:
    """Return the text without unprintable characters; each line keeps its indentation."""
    return "\n".join(
        "".join(char if char.isprintable() else REPLACED for char in line.expandtabs())
        for line in text.splitlines()
    )
