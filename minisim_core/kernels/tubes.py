"""Round tubes: how much blood light crosses on its way through."""

from __future__ import annotations

import math

from ._jit import jit


@jit
def chords(out, first_y_um, first_x_um, step_um, segments, swelling):
    """Longest vertical chord through any tube above each node, in µm.

    `segments` holds y0, x0, y1, x1, r0, r1 per straight piece; radii are scaled by 1 + swelling.
    """
    rows, columns = out.shape
    for n in range(segments.shape[0]):
        y0, x0, y1, x1 = segments[n, 0], segments[n, 1], segments[n, 2], segments[n, 3]
        r0, r1 = segments[n, 4] * (1 + swelling), segments[n, 5] * (1 + swelling)
        reach = max(r0, r1)
        dy, dx = y1 - y0, x1 - x0
        length2 = dy * dy + dx * dx
        top = max(int((min(y0, y1) - reach - first_y_um) / step_um), 0)
        bottom = min(int((max(y0, y1) + reach - first_y_um) / step_um) + 2, rows)
        left = max(int((min(x0, x1) - reach - first_x_um) / step_um), 0)
        right = min(int((max(x0, x1) + reach - first_x_um) / step_um) + 2, columns)
        for i in range(top, bottom):
            y = first_y_um + i * step_um - y0
            for j in range(left, right):
                x = first_x_um + j * step_um - x0
                share = 0.0
                if length2 > 0:
                    share = min(max((y * dy + x * dx) / length2, 0.0), 1.0)
                ey, ex = y - share * dy, x - share * dx
                r = r0 + share * (r1 - r0)
                inside = r * r - ey * ey - ex * ex
                if inside > 0:
                    out[i, j] = max(out[i, j], 2 * math.sqrt(inside))
