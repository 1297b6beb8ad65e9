import numpy as np
import pytest
import safetensors.numpy
from golden import inception as golden

from tfportrait.models import FIDInception


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The reference's weights, with its classifier and its counts."""
    path = tmp_path_factory.mktemp("inception") / "inception.safetensors"
    with np.load(golden.OUT) as kept:
        shapes = dict(line.split(" ") for line in kept["names"].tolist())
    shapes = {name: tuple(int(n) for n in text.split(",") if n) for name, text in shapes.items()}
    safetensors.numpy.save_file({n: np.asarray(golden.weight(n, shape)) for n, shape in shapes.items()}, path)
    return path


def test_features_are_those_of_torch_fidelity(file):
    model = FIDInception.from_file(file)
    with np.load(golden.OUT) as wanted:
        for size in golden.SIZES:
            found = np.array(model(golden.images(size).astype("float32")))
            assert found.shape == (2, 2048) and wanted[str(size)].std() > 0.05
            np.testing.assert_allclose(found, wanted[str(size)], rtol=0, atol=1e-5 * wanted[str(size)].max())


def test_other_files_are_refused(file, tmp_path):
    with pytest.raises(ValueError, match="is a pickle, which may run anything: convert it first"):
        FIDInception.from_file("pt_inception-2015-12-05-6726825d.pth")
    tensors = safetensors.numpy.load_file(file)
    del tensors["Mixed_6b.branch1x1.bn.running_mean"]
    safetensors.numpy.save_file(tensors, tmp_path / "x.safetensors")
    with pytest.raises(ValueError, match="1 missing: Mixed_6b.branch1x1.bn.running_mean"):
        FIDInception.from_file(tmp_path / "x.safetensors")
