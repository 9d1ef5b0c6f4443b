"""Events in continuous time, and the fluorescence they make."""

from __future__ import annotations

import math

import numpy as np

from ._jit import jit
from .chance import uniform

LONGEST_BURST = 40
"""Spikes after which a burst ends."""


@jit
def fill_spikes(
    cells,
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
    burst_spikes,
    interval_s,
):
    """Spikes of every cell in some blocks of time; returns how many (more than fit: call again).

    Within a block the candidates of a cell are a unit Poisson process in time and rate level: one
    is an event if its level lies below the cell's rate at its time. So a higher rate adds events
    and moves none. An event is a burst: a geometric number of spikes at exponential intervals.
    """
    event_key, burst_key = keys[0], keys[1]
    stop = 1.0 / burst_spikes
    count = 0
    for n in range(ids.size):
        own = count
        for block in range(first_block, first_block + blocks):
            start = block * block_s
            at = int((start / drive_step_s) - drive_first)
            peak = drive[at : at + int(block_s / drive_step_s) + 2].max()
            level, k = 0.0, 0
            while True:
                step = np.int64(block) * np.int64(65536) + 2 * k
                level -= math.log(uniform(event_key, ids[n], step)) / block_s
                if level >= rate[n] * peak or k > 30000:
                    break
                time = start + block_s * uniform(event_key, ids[n], step + 1)
                phase = time / drive_step_s - drive_first
                i = int(phase)
                drive_now = drive[i] + (phase - i) * (drive[i + 1] - drive[i])
                if level < rate[n] * drive_now:
                    spike = 0
                    while spike < LONGEST_BURST:
                        if count < cells.size:
                            cells[count] = n
                            times[count] = time
                        count += 1
                        mark = (np.int64(block) * np.int64(32768) + k) * np.int64(128) + 2 * spike
                        if uniform(burst_key, ids[n], mark) < stop:
                            break
                        time -= interval_s * math.log(uniform(burst_key, ids[n], mark + 1))
                        spike += 1
                k += 1
        _sort(times[min(own, times.size) : min(count, times.size)])
    return count


@jit
def _sort(times):
    """Sort one cell's spikes; blocks come in order, so little has to move far."""
    for i in range(1, times.size):
        value, j = times[i], i
        while j > 0 and times[j - 1] > value:
            times[j] = times[j - 1]
            j -= 1
        times[j] = value


@jit
def fluorescence(
    out, first_spike, times, start_s, frame_s, exposure_s, rates, weights, peak, slope, midpoint, horizon_s
):
    """Mean of F/F_rest over each exposure, (N, T), and of calcium drive, (N, T).

    `rates`, `weights`: the drive after a spike is a sum of exponentials (1/s). Saturation:
    F/F_rest = 1 + peak (1/(1 + exp(-slope (x - midpoint))) - the same at x = 0). Exposures are
    integrated by Gauss-Legendre panels that begin anew at every spike.
    """
    cells, frames = out.shape[1], out.shape[2]
    states = rates.size
    x = np.empty(states)
    rest = 1.0 / (1.0 + math.exp(slope * midpoint))
    nodes = (-math.sqrt(0.6), 0.0, math.sqrt(0.6))
    mass = (5 / 18, 8 / 18, 5 / 18)
    fastest = 1.0 / rates.max()
    for n in range(cells):
        x[:] = 0
        spike, last = first_spike[n], first_spike[n + 1]
        now, fresh = start_s, 1e9  # `fresh`: time since the last spike
        while spike < last and times[spike] < start_s:
            age = start_s - times[spike]
            fresh = age
            if age < horizon_s:
                for s in range(states):
                    x[s] += weights[s] * math.exp(-age * rates[s])
            spike += 1
        for t in range(frames):
            begin = start_s + t * frame_s
            end = begin + exposure_s
            light, drive = 0.0, 0.0
            while True:
                active = False
                for s in range(states):
                    active = active or abs(x[s]) > 1e-7
                until = begin + frame_s if now >= end - 1e-12 else (end if now >= begin else begin)
                if spike < last and times[spike] < until:
                    until = times[spike]
                if now >= begin and until <= end + 1e-12 and until > now:
                    left = until - now
                    if not active:
                        light += left
                    else:
                        at, since = now, fresh
                        while at < until - 1e-12:
                            # panels grow with the time since the last spike
                            panel = min(until - at, max(3 * fastest, 0.7 * since), 0.05)
                            if until - at < 1.5 * panel:
                                panel = until - at
                            for g in range(3):
                                offset = at - now + panel * 0.5 * (1 + nodes[g])
                                value = 0.0
                                for s in range(states):
                                    value += x[s] * math.exp(-offset * rates[s])
                                high = 1.0 / (1.0 + math.exp(-slope * (value - midpoint)))
                                light += mass[g] * panel * (1 + peak * (high - rest))
                                drive += mass[g] * panel * value
                            at += panel
                            since += panel
                step = until - now
                if step > 0:
                    fresh += step
                    if active:
                        for s in range(states):
                            x[s] *= math.exp(-step * rates[s])
                    now = until
                if spike < last and times[spike] <= now:
                    for s in range(states):
                        x[s] += weights[s]
                    spike += 1
                    fresh = 0.0
                    continue
                if now >= begin + frame_s - 1e-12:
                    break
            out[0, n, t] = light / exposure_s
            out[1, n, t] = drive / exposure_s


@jit
def count_spikes(out, cells, times, start_s, frame_s):
    """How many spikes each cell fires in each frame period."""
    for k in range(cells.size):
        frame = int(math.floor((times[k] - start_s) / frame_s))
        if 0 <= frame < out.shape[1]:
            out[cells[k], frame] += 1
