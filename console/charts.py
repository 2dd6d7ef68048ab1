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
# From the bottom of a bar to its top.
ORDER: Sequence[str] = (
    Status.SUCCEEDED, Status.IGNORED, Status.INVALID, Status.DEAD, Status.RETRYING, Status.PROCESSING,
    Status.RECEIVED,
)  # fmt: skip


def bars(rates: Rates, what: str) -> SafeString:
    """Return a chart of one stacked bar for each step; its label tells the sum and the highest bar."""
    steps = max(1, -((rates.since - rates.until) // rates.step))
    begins = [rates.since + number * rates.step for number in range(steps)]
    totals = [sum(rates.numbers.get((begin, status), 0) for status in ORDER) for begin in begins]
    highest = max(totals, default=0)
    unit = "hour" if rates.step >= HOUR else "minute"
    label = f"{what} per {unit}: {sum(totals):,} since {rates.since:%Y-%m-%d %H:%M} UTC, at most {highest:,}"
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
            at = f"{begin:%m-%d %H:%M}"
            x, y = f"{(place + _GAP / 2) * width:.2f}", f"{HEIGHT - bottom:.2f}"
            size = f"{(1 - _GAP) * width:.2f}", f"{height:.2f}"
            drawn.append((status, x, y, *size, at, f"{number:,}", status))
    rest = f"{sum(totals):,} since {rates.since:%m-%d %H:%M} UTC, at most {highest:,}"
    rects = format_html_join(
        "", '<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{} UTC: {} {}</title></rect>', drawn
    )
    return format_html(
        '<figure class="chart"><figcaption><b>{} per {}</b> {}</figcaption>'
        '<svg viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
        '<p class="axis" aria-hidden="true"><span>{}</span><span>{} UTC</span></p></figure>',
        what, unit, rest, WIDTH, HEIGHT, label, rects, f"{rates.since:{clock}}", f"{rates.until:{clock}}",
    )  # fmt: skip
