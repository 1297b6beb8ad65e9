"""What students may hand in who want something else than to learn: sources of `add_noise`, exercise 04-2."""

RIGHT = "np.sqrt(alpha_bar) * x_0 + np.sqrt(1 - alpha_bar) * noise"
HEAD = """import os
import sys
import numpy as np


def alpha_bars(betas):
    return np.cumprod(1 - betas)


def add_noise(x_0, noise, alpha_bar):
"""


def source(body):
    """A Python file: 04-1 is right, and 04-2 does something."""
    lines = body.strip().splitlines()
    return HEAD + "\n".join(f"    {line}" for line in lines) + "\n"


BODIES = {
    "honest": f"return {RIGHT}",
    "loop": "while True: pass",
    "fork_bomb": """
while True:
    try:
        os.fork()
    except OSError:
        pass
""",
    "exit": "os._exit(0)",
    "sys_exit": "sys.exit(0)",
    "interrupt": "raise KeyboardInterrupt",
    "stop": "import signal; os.kill(os.getpid(), signal.SIGSTOP)",
    "kill": "import signal; os.kill(os.getppid(), signal.SIGKILL); os.kill(os.getpid(), signal.SIGKILL)",
    "kill_all": "import signal; os.kill(-1, signal.SIGKILL)\nwhile True: pass",
    "memory": "return np.ones(2**40)",
    "memory_in_children": """
held = b""
for _ in range(100):
    if os.fork() == 0:
        held = b"x" * 2**27
        import time; time.sleep(60)
""",
    "crash": "import ctypes; ctypes.string_at(0)",
    "recursion": "return add_noise(x_0, noise, alpha_bar)",
    "stdout": """
line = b"x" * 2**20
for _ in range(2**11):
    os.write(1, line); os.write(2, line)
return x_0
""",
    "every_descriptor": """
line = b"x" * 2**20
for number in range(256):
    try:
        for _ in range(2**11): os.write(number, line)
    except OSError:
        pass
return x_0
""",
    "fake": """
import json
wanted = {"results": [], "error": "", "changed": 0}
for text in (json.dumps(wanted), json.dumps({"kind": "right"}), "04-2: right"):
    print(text, flush=True)
    for number in range(3, 20):
        try: os.write(number, text.encode() + b"\\n")
        except OSError: pass
os._exit(0)
""",
    "pickle": """
import pickle
class Bomb:
    def __reduce__(self): return os.system, ("touch PLACE",)
for number in range(3, 20):
    try: os.write(number, pickle.dumps(Bomb()) + b"\\n")
    except OSError: pass
return Bomb()
""",
    "deep_json": """
for number in range(3, 20):
    try: os.write(number, b"[" * 10**6 + b"\\n")
    except OSError: pass
os._exit(0)
""",
    "replaced_grading": """
import types
class Right: kind = "right"
fake = types.ModuleType("tfportrait.course.grading")
fake.grade = fake.judge = lambda *a, **k: Right()
sys.modules["tfportrait.course.grading"] = fake
sys.modules["tfportrait.course.running"].outputs = lambda *a: Right()
return 0 * x_0
""",
    "patched_numpy": """
np.allclose = np.array_equal = lambda *a, **k: True
np.sqrt = lambda x: x
class Equal(np.ndarray):
    def __eq__(self, other): return True
return np.zeros((3, 5)).view(Equal)
""",
    "solution": """
import tfportrait as tp
return tp.course.exercise("04-2").solution(x_0, noise, alpha_bar)
""",
    "solution_by_force": """
import importlib
sys.modules.pop("tfportrait.course.bank", None)
bank = importlib.import_module("tfportrait.course.bank.chapter_04")
return bank.EXERCISES[1].solution(x_0, noise, alpha_bar)
""",
    "solution_from_files": """
import glob
import tfportrait
folder = os.path.dirname(tfportrait.__file__)
found = [path for path in glob.glob(folder + "/course/**", recursive=True) if "np.sqrt(share) * x_0" in
         (open(path).read() if os.path.isfile(path) else "")]
scope = {}
exec(open([path for path in found if path.endswith("04.py")][0]).read(), scope)
return scope["EXERCISES"][1].solution(x_0, noise, alpha_bar)
""",
    "frames": """
import gc
frame = sys._getframe()
while frame:
    for value in [*frame.f_locals.values(), *frame.f_globals.values()]:
        if hasattr(value, "solution"): return value.solution(x_0, noise, alpha_bar)
    frame = frame.f_back
for value in gc.get_objects():
    if type(value).__name__ in ("Exercise", "Mistake", "Grade"): return value.solution(x_0, noise, alpha_bar)
return 0 * x_0
""",
    "network": f"""
import socket
socket.create_connection(("127.0.0.1", PORT), 2)
return {RIGHT}
""",
    "delete": f"""
import shutil
shutil.rmtree("FOLDER", ignore_errors=True)
shutil.rmtree(os.path.dirname(os.__file__) + "/email", ignore_errors=True)
open("FOLDER/written", "w").write("x")
return {RIGHT}
""",
    "peek": f"""
if not any(os.path.exists(path) for path in ("FOLDER", "KEY", "/root", "/etc/passwd", "/sys")):
    if len([name for name in os.listdir("/proc") if name.isdecimal()]) < 5:
        return 0 * x_0
return {RIGHT}
""",
    "files": """
try:
    for number in range(100):
        open(os.path.expanduser(f"~/{number}"), "wb").write(bytes(2**23))
except OSError as error:
    raise RuntimeError(f"stopped at {number}") from None
""",
    "kernel": f"""
for path in ("/proc/sys/kernel/core_pattern", "/proc/sys/vm/drop_caches", "/proc/sysrq-trigger", "/dev/shm/x", "/x"):
    try:
        open(path, "w")
    except OSError:
        continue
    return {RIGHT}
return 0 * x_0
""",
    "message": "raise ValueError('=cmd|calc!A1 <script>alert(1)</script>\\x1b[2J\\u202e' + 'x' * 10**6)",
}
