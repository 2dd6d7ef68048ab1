"""Bars over time as SVG, drawn on the server. Pure.

Colours are classes of the style sheet: the policy of the pages allows no style in the markup.
"""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from ledger.rates import HOUR, Rates
from receiver.models import Status

WIDTH, HEIGHT = 600, 120
_GAP = 0.15
# The parts of a bar, from its bottom to its top.
SETTLED: Sequence[str] = (Status.SUCCEEDED, Status.IGNORED, Status.INVALID, Status.DEAD)
ORDER: Sequence[str] = (*SETTLED, Status.RECEIVED)


def bars(rates: Rates, what: str) -> SafeString:
    """Return a chart of one stacked bar for each step; its label has the sum and the highest bar."""
    steps = max(1, -((rates.since - rates.until) // rates.step))
    begins = [rates.since + number * rates.step for number in range(steps)]
    totals = [sum(rates.numbers.get((begin, status), 0) for status in ORDER) for begin in begins]
    highest = max(totals)
    unit = "hour" if rates.step >= HOUR else "minute"
    clock = "%a %d %b" if rates.step >= HOUR else "%H:%M"
    width = WIDTH / steps
    drawn = []
    for place, begin in enumerate(begins):
        bottom = 0.0
        for status in ORDER:
            number = rates.numbers.get((begin, status), 0)
            if not number:
                continue
            height = HEIGHT * number / highest
            bottom += height
            box = _box((place + _GAP / 2) * width, HEIGHT - bottom, (1 - _GAP) * width, height)
            drawn.append((status, *box, f"{begin:%m-%d %H:%M} UTC: {number:,} {status}"))
    at_least, uncounted = "", ""
    if rates.uncounted:
        begin, end = rates.uncounted
        at_least = "at least "
        uncounted = f"; {begin:%m-%d %H:%M} to {end:%m-%d %H:%M} not counted yet"
        left, right = ((at - rates.since) / rates.step * width for at in rates.uncounted)
        drawn.insert(0, ("uncounted", *_box(left, 0, right - left, HEIGHT), uncounted[2:]))
    total = f"{at_least}{sum(totals):,} since {rates.since:%m-%d %H:%M} UTC, at most {highest:,}{uncounted}"
    rects = format_html_join(
        "", '<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>', drawn
    )
    return format_html(
        '<figure class="chart"><figcaption><b>{} per {}</b> {}</figcaption>'
        '<svg viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
        '<p class="axis" aria-hidden="true"><span>{}</span><span>{} UTC</span></p></figure>',
        what, unit, total, WIDTH, HEIGHT, f"{what} per {unit}: {total}", rects,
        f"{rates.since:{clock}}", f"{rates.until:{clock}}",
    )  # fmt: skip


def _box(x: float, y: float, width: float, height: float) -> tuple[str, str, str, str]:
    return f"{x:.2f}", f"{y:.2f}", f"{width:.2f}", f"{height:.2f}"
