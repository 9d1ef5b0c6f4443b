"""Events in continuous time, and the fluorescence they make."""

from __future__ import annotations

import math

import numpy as np

from ._jit import inline, jit
from .chance import row, uniform_in

LONGEST_BURST = 40
"""Spikes after which a burst ends."""

_PANEL_S = 0.05  # longest stretch that one panel of three nodes integrates
_NODES = (-math.sqrt(0.6), 0.0, math.sqrt(0.6))  # Gauss-Legendre
_MASS = (5 / 18, 8 / 18, 5 / 18)
_FORGOTTEN = 1e-7  # drive that no longer counts
_FADED = 16.0  # its logarithm
_INSTANT_S = 1e-9  # rounding of times


@jit
def fill_spikes(
    first_spike,
    times,
    keys,
    ids,
    rate,
    first_block,
    blocks,
    block_s,
    drive,
    drive_first,
    drive_step_s,
    stop,
    interval_s,
):
    """Spikes of every cell in some blocks of time; returns how many (more than fit: call again).

    Fills `first_spike`, (N + 1,): where each cell's spikes begin, in order, in `times`.

    Within a block the candidates of a cell are a unit Poisson process in time and rate level: one
    is an event if its level lies below the cell's rate at its time. So a higher rate adds events
    and moves none. An event is a burst at exponential intervals, which each spike ends with the
    probability `stop`.
    """
    count = 0
    peaks = np.empty(blocks)
    for b in range(blocks):
        at = int((first_block + b) * block_s / drive_step_s - drive_first)
        peaks[b] = drive[at : at + int(block_s / drive_step_s) + 2].max()
    for n in range(ids.size):
        first_spike[n] = count
        events, bursts = row(keys[0], ids[n]), row(keys[1], ids[n])
        for b in range(blocks):
            block = np.int64(first_block + b)
            start, highest = block * block_s, rate[n] * peaks[b]
            level, k, own = 0.0, 0, count
            while True:
                step = block * np.int64(65536) + 2 * k
                level -= math.log(uniform_in(events, step)) / block_s
                if level >= highest or k > 30000:
                    break
                time = start + block_s * uniform_in(events, step + 1)
                phase = time / drive_step_s - drive_first
                i = int(phase)
                drive_now = drive[i] + (phase - i) * (drive[i + 1] - drive[i])
                if level < rate[n] * drive_now:
                    spike = 0
                    while spike < LONGEST_BURST:
                        if count < times.size:
                            times[count] = time
                        count += 1
                        mark = (block * np.int64(32768) + k) * np.int64(128) + 2 * spike
                        if uniform_in(bursts, mark) < stop:
                            break
                        time -= interval_s * math.log(uniform_in(bursts, mark + 1))
                        spike += 1
                k += 1
            _sort(times[min(own, times.size) : min(count, times.size)])
        _insert(times[min(first_spike[n], times.size) : min(count, times.size)])
    first_spike[-1] = count
    return count


@jit
def join_spikes(out, first, times, first_by_block):
    """Join the spikes of successive blocks, each sorted by cell then time, into one such list.

    `first_by_block`, (B, N + 1): where each cell's spikes begin in `times`. Fills `first`, (N + 1,).
    """
    count = 0
    for n in range(first.size - 1):
        first[n] = count
        for block in range(first_by_block.shape[0]):
            for k in range(first_by_block[block, n], first_by_block[block, n + 1]):
                out[count] = times[k]
                count += 1
        _insert(out[first[n] : count])
    first[-1] = count


@jit
def _sort(times):
    """Sort some spikes in any order."""
    if times.size > 64:
        times.sort()
    else:
        _insert(times)


@jit
def _insert(times):
    """Sort spikes that hardly have to move: bursts reach little into the next block."""
    for i in range(1, times.size):
        value, j = times[i], i
        while j > 0 and times[j - 1] > value:
            times[j] = times[j - 1]
            j -= 1
        times[j] = value


@inline
def _shine(light, per_unit, drive):
    """Look up the light of a drive."""
    at = drive * per_unit
    if at >= light.size - 1:
        return light[-1]
    i = int(at)
    return light[i] + (at - i) * (light[i + 1] - light[i])


@jit
def fluorescence(
    out, first_spike, times, start_s, frame_s, exposure_s, rates, weights, light, per_unit, horizon_s
):
    """Mean of F/F_rest over each exposure, (N, T), and of calcium drive, (N, T).

    `rates`, `weights`: the drive after a spike is a sum of exponentials (1/s). `light`: F/F_rest at
    drives 0, 1/per_unit, 2/per_unit, …, interpolated between, constant beyond. Exposures are
    integrated by Gauss-Legendre panels that begin anew at every spike and grow with the time since;
    where no spike is near, they are the same in every frame, and so are their exponentials.
    """
    cells, frames, states = out.shape[1], out.shape[2], rates.size
    fastest = 1.0 / rates.max()
    panels = int(math.ceil(exposure_s / _PANEL_S))
    panel_s = exposure_s / panels
    at_node, after_frame, whole = np.empty((3 * panels, states)), np.empty(states), np.empty(states)
    for s in range(states):
        for k in range(3 * panels):
            middle = (k // 3 + 0.5) * panel_s
            at_node[k, s] = math.exp(-rates[s] * (middle + 0.5 * panel_s * _NODES[k % 3]))
        after_frame[s] = math.exp(-rates[s] * frame_s)
        whole[s] = (1 - math.exp(-rates[s] * exposure_s)) / (rates[s] * exposure_s)
    x = np.empty(states)
    for n in range(cells):
        spike, last = first_spike[n], first_spike[n + 1]
        x[:] = 0
        since = 1e9  # time since the last spike
        while spike < last and times[spike] < start_s:
            since = start_s - times[spike]
            if since < horizon_s:
                for s in range(states):
                    if since * rates[s] < _FADED:
                        x[s] += weights[s] * math.exp(-since * rates[s])
            spike += 1
        for t in range(frames):
            following = start_s + (t + 1) * frame_s
            still = spike == last or times[spike] >= following
            largest = 0.0
            for s in range(states):
                largest = max(largest, abs(x[s]))
            if still and largest < _FORGOTTEN:
                x[:] = 0
                out[0, n, t], out[1, n, t] = 1, 0
            elif still and panel_s <= max(3 * fastest, 0.7 * since):
                shine, drive = 0.0, 0.0
                for k in range(3 * panels):
                    value = 0.0
                    for s in range(states):
                        value += x[s] * at_node[k, s]
                    shine += _MASS[k % 3] * _shine(light, per_unit, value)
                for s in range(states):
                    drive += x[s] * whole[s]
                    x[s] *= after_frame[s]
                out[0, n, t], out[1, n, t] = shine / panels, drive
                since += frame_s
            else:
                shine, drive, spike, since = _frame_with_spikes(
                    x, spike, last, times, since, start_s + t * frame_s, following, exposure_s, rates,
                    weights, light, per_unit,
                )  # fmt: skip
                out[0, n, t], out[1, n, t] = shine, drive


@jit
def _frame_with_spikes(
    x, spike, last, times, since, begin, following, exposure_s, rates, weights, light, per_unit
):
    """One cell's frame from spike to spike; carries the drive `x` on to the next frame.

    Returns mean light and drive over the exposure, the next spike, and the time since the last.
    """
    fastest = 1.0 / rates.max()
    now, end = begin, begin + exposure_s
    shine, drive = 0.0, 0.0
    while True:
        until = following
        if spike < last and times[spike] < following:
            until = times[spike]
        stop = min(until, end)
        while now < stop:
            panel = min(max(3 * fastest, 0.7 * since), _PANEL_S)
            if stop - now < 1.5 * panel:
                panel = stop - now
            low, middle, high, part = 0.0, 0.0, 0.0, 0.0
            for s in range(rates.size):
                if abs(x[s]) < _FORGOTTEN:
                    continue
                half = math.exp(-0.5 * panel * rates[s])
                aside = math.exp(-0.5 * panel * rates[s] * _NODES[2])
                center, after = x[s] * half, x[s] * half * half
                low += center / aside
                middle += center
                high += center * aside
                part += (x[s] - after) / rates[s]
                x[s] = after
            shine += panel * (
                _MASS[0] * (_shine(light, per_unit, low) + _shine(light, per_unit, high))
                + _MASS[1] * _shine(light, per_unit, middle)
            )
            drive += part
            since += panel
            now = stop if panel == stop - now else now + panel
        if until - now > _INSTANT_S:
            for s in range(rates.size):
                x[s] *= math.exp(-(until - now) * rates[s])
            since += until - now
        now = until
        if until == following:
            return shine / exposure_s, drive / exposure_s, spike, since
        for s in range(rates.size):
            x[s] += weights[s]
        spike += 1
        since = 0.0


@jit
def mean_light(out, first_spike, times, start_s, step_s, samples, rates, weights, light, per_unit, horizon_s):
    """Mean of F/F_rest over steps of time, (N, T), from `samples` equally spaced instants in each.

    For doses, which add up over many events: several times cheaper than `fluorescence`.
    """
    grid_s = step_s / samples
    decay = np.exp(-grid_s * rates)
    x = np.empty(rates.size)
    for n in range(out.shape[0]):
        spike, last = first_spike[n], first_spike[n + 1]
        x[:] = 0
        while spike < last and start_s - times[spike] > horizon_s:
            spike += 1
        for t in range(out.shape[1]):
            total = 0.0
            for k in range(samples):
                now = start_s + (t * samples + k + 0.5) * grid_s
                value = 0.0
                for s in range(rates.size):
                    x[s] *= decay[s]
                while spike < last and times[spike] <= now:
                    for s in range(rates.size):
                        faded = (now - times[spike]) * rates[s]
                        if faded < _FADED:
                            x[s] += weights[s] * math.exp(-faded)
                    spike += 1
                for s in range(rates.size):
                    value += x[s]
                total += _shine(light, per_unit, value)
            out[n, t] = total / samples


@jit
def fade(out, share, emission, loss_per_s, recovery_per_s, step_s):
    """Share of each cell's molecules that is not bleached, at the edges of steps of time, (N, T + 1).

    Solves dB/dt = -loss·emission·B + recovery·(1 - B), from `share`, (N,), exactly for an emission
    that is steady within each step, (N, T).
    """
    for n in range(out.shape[0]):
        now = share[n]
        out[n, 0] = now
        for t in range(emission.shape[1]):
            change = loss_per_s[n] * emission[n, t] + recovery_per_s
            end = recovery_per_s / change
            now = end + (now - end) * math.exp(-change * step_s)
            out[n, t + 1] = now


@jit
def count_spikes(out, cells, times, start_s, frame_s):
    """How many spikes each cell fires in each frame period."""
    for k in range(cells.size):
        frame = int(math.floor((times[k] - start_s) / frame_s))
        if 0 <= frame < out.shape[1]:
            out[cells[k], frame] += 1
