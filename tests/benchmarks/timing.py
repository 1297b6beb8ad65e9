"""Timing of functions that take turns, so that a machine that slows down slows all of them."""

import statistics
import time


def medians(steps, rounds, clock=time.perf_counter):
    """Median seconds of each function, called in turn; the first call of each is not counted.

    Args:
        steps: dict of name to function without arguments.
        rounds: int. Calls of each that count.
        clock: callable. Seconds.
    """
    for step in steps.values():
        step()
    times = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            start = clock()
            step()
            times[name].append(clock() - start)
    return {name: statistics.median(values) for name, values in times.items()}
