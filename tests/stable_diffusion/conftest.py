import pathlib
import sys

# `checkpoints` is shared by the tests of this folder.
sys.path.insert(0, str(pathlib.Path(__file__).parent))
