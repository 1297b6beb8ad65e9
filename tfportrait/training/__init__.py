"""Training: the step, optimizers with averages, acceleration, callbacks and recovery.

Each name is imported when it is first asked for, and TensorFlow only where it is the backend.
"""

from tfportrait.lazy import lazy

_HOMES = {
    "Acceleration": "acceleration",
    "AdamW": "optimizers",
    "Muon": "muon",
    "Players": "optimizers",
    "Profile": "callbacks",
    "Progress": "callbacks",
    "ReconstructionStrip": "callbacks",
    "Pruning": "pruning",
    "Recovery": "recovery",
    "SampleGrid": "callbacks",
    "StopOnNaN": "callbacks",
    "Trainable": "step",
    "WorkerLostError": "cluster",
    "accelerate": "acceleration",
    "frozen": "optimizers",
    "strategy": "cluster",
}

__all__, __getattr__, __dir__ = lazy(__name__, _HOMES)
