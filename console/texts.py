"""Text from outside, made safe to print: payloads and errors may hold what a terminal would act on."""

REPLACED = "\N{REPLACEMENT CHARACTER}"


def one_line(text: str) -> str:
    """The text on one line, with every character that does not print replaced.

    That is escape sequences and other control characters, and those that turn the direction of writing.
    """
    return "".join(char if char.isprintable() else REPLACED for char in " ".join(text.split()))


def lines(text: str) -> str:
    """The same of each line, with its indentation."""
    return "\n".join(
        "".join(char if char.isprintable() else REPLACED for char in line.expandtabs())
        for line in text.splitlines()
    )
