import numpy as np
import pytest
from adapted import outputs, painter
from golden import lora as golden

import tfportrait as tp


@pytest.mark.parametrize("live", [False, True], ids=["merged", "live"])
@pytest.mark.parametrize("case", golden.CASES)
def test_files_give_the_outputs_that_diffusers_gives(tmp_path, case, live):
    made = painter()
    for file, strength in golden.CASES[case].items():
        tp.load_lora(made, golden.write(tmp_path, file), strength, live=live)
    with np.load(golden.OUT) as wanted:
        for name, ours in outputs(made).items():
            np.testing.assert_allclose(ours, wanted[f"{case}/{name}"], rtol=0, atol=1e-4, err_msg=name)
