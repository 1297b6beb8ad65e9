import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from tfportrait import workers
from tfportrait.files import atomic_write


def square(number):
    print("noise on standard output")
    return [number**2, os.getpid()]


def fail(number):
    if number == 2:
        raise OSError(28, "full")
    raise ValueError(f"bad {number}")


def die():
    os._exit(3)


def write_slowly(path):
    with atomic_write(path) as file:
        file.write(b"half")
        file.flush()
        time.sleep(60)


@pytest.mark.parametrize("count", [1, 2])
def test_every_job_is_done_once(count):
    results = list(workers.run("test_workers:square", [{"number": n} for n in range(7)], workers=count))
    assert sorted(result for result, _ in results) == [n * n for n in range(7)]
    assert (os.getpid() in {pid for _, pid in results}) == (count == 1)


def test_errors_come_back():
    jobs = [{"number": 1}, {"number": 1}]
    with pytest.raises(RuntimeError, match="test_workers:fail: ValueError: bad 1"):
        list(workers.run("test_workers:fail", jobs, workers=2))
    with pytest.raises(OSError, match="full") as caught:
        list(workers.run("test_workers:fail", [{"number": 2}] * 2, workers=2))
    assert caught.value.errno == 28


def test_a_worker_that_dies_is_an_error():
    with pytest.raises(RuntimeError, match=r"ended unexpectedly \(exit code 3\)|ended unexpectedly \(exit code None\)"):
        list(workers.run("test_workers:die", [{}, {}], workers=2))


def test_ctrl_c_ends_the_workers_and_leaves_nothing_half_written(tmp_path):
    script = tmp_path / "script.py"  # no `if __name__ == "__main__"`: the workers must not run it again
    script.write_text(
        textwrap.dedent(f"""
        import signal
        from tfportrait import workers
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background begins without it
        print("started", flush=True)
        jobs = [{{"path": {str(tmp_path)!r} + f"/{{n}}.bin"}} for n in range(2)]
        list(workers.run("test_workers:write_slowly", jobs, workers=2))
        """)
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    deadline = time.monotonic() + 30
    while len(list(tmp_path.glob(".*.tmp"))) < 2:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert out == "started\n" and "KeyboardInterrupt" in err
    assert [path.name for path in tmp_path.iterdir()] == ["script.py"]
