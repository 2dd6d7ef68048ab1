"""Generates the commands from the targets of the Makefile and the parsers of `manage.py`."""

import re
from argparse import Action, ArgumentParser, _HelpAction, _SubParsersAction
from collections.abc import Iterator
from pathlib import Path

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from dev.reference.markdown import code, table

TARGET = re.compile(r"^([a-z-]+):.*## (.*)$", re.M)


def blocks(makefile: Path) -> dict[str, str]:
    """Return the table of make's targets, and the arguments of each command of the console."""
    targets = TARGET.findall(makefile.read_text(encoding="utf-8"))
    rows = [(code(f"make {name}"), f"{does}.") for name, does in targets]
    found = {"make": table(("target", "what it does"), rows)}
    for name in sorted(name for name, app in get_commands().items() if app == "console"):
        command = load_command_class("console", name)
        found[f"manage.py {name}"] = _block(command, command.create_parser("manage.py", name))
    return found


def _block(command: BaseCommand, parser: ArgumentParser) -> str:
    # A command without arguments of its own has those of Django's command of the same name.
    rows = list(_rows(parser)) if "add_arguments" in vars(type(command)) else []
    parts = [command.help, table(("argument", "meaning"), rows)] if rows else [command.help]
    return "\n\n".join(parts)


def _rows(parser: ArgumentParser) -> Iterator[tuple[str, str]]:
    """Yield the arguments of a parser with their help, without those that each command of Django has."""
    common = {action.dest for action in BaseCommand().create_parser("", "")._actions}
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for name, inner in action.choices.items():
                for argument, meaning in _rows(inner):
                    yield f"{code(name)} {argument}", meaning
        elif not isinstance(action, _HelpAction) and action.dest not in common:
            yield _argument(action), _meaning(action)


def _argument(action: Action) -> str:
    if not action.option_strings:
        name = str(action.metavar or action.dest.upper())
        return code(f"{name}…" if action.nargs == "*" else name)
    value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
    return ", ".join(code(f"{option}{value}") for option in action.option_strings)


def _meaning(action: Action) -> str:
    text = (action.help or "") % {"default": action.default}
    choices = ", ".join(code(str(choice)) for choice in action.choices or ())
    joined = f"{text}: {choices}" if choices else text
    return f"{joined[:1].upper()}{joined[1:]}."
