"""Draws the diagram for the documentation."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.figures import Round, middle

OURS, KEEPS, FORGETS = "#1a7f4b", "#7f9fbf", "#c9c9c9"


def draw(rounds: Mapping[str, Sequence[Round]], keeps: Mapping[str, str], to: Path) -> None:
    """Draw the requests per second of each contender as SVG; whiskers are the extreme rounds."""
    import matplotlib as mpl  # noqa: PLC0415 - only the plot needs it

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "hookkeeper", "font.size": 9})
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after use()
    from matplotlib.patches import Patch  # noqa: PLC0415

    names = sorted(rounds, key=lambda name: middle(rounds[name]).rate)
    values = [middle(rounds[name]).rate for name in names]
    spread = [
        [value - min(each.rate for each in rounds[name]) for name, value in zip(names, values, strict=True)],
        [max(each.rate for each in rounds[name]) - value for name, value in zip(names, values, strict=True)],
    ]
    figure, axes = plt.subplots(figsize=(7.5, 0.42 * len(names) + 1.2), facecolor="white")
    axes.barh(
        names,
        values,
        xerr=spread,
        color=[_colour(name, keeps.get(name, "")) for name in names],
        error_kw={"elinewidth": 0.8, "ecolor": "#555555"},
    )
    highest = max(max(each.rate for each in found) for found in rounds.values())
    for position, name in enumerate(names):
        top = max(each.rate for each in rounds[name])
        axes.text(top + highest * 0.012, position, f"{values[position]:,.0f}", va="center")
    axes.set_xlim(0, highest * 1.12)
    axes.set_xlabel("requests/s on one core: median, lowest and highest round")
    axes.spines[["top", "right"]].set_visible(False)
    legend = {"Hookkeeper (durable)": OURS, "keeps a row": KEEPS, "keeps nothing": FORGETS}
    axes.legend(
        handles=[Patch(color=colour, label=text) for text, colour in legend.items()], loc="lower right"
    )
    figure.tight_layout()
    figure.savefig(to, format="svg", metadata={"Date": None})
    plt.close(figure)


def _colour(name: str, keeps: str) -> str:
    if name.startswith("hookkeeper"):
        return OURS
    return FORGETS if keeps.startswith("nothing") else KEEPS
