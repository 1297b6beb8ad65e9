import numpy as np

from tfportrait.data.arrays import endless_batches


def test_every_group_has_its_places_its_weight_and_all_of_its_examples():
    groups = [({"x": np.arange(3) + 10, "y": np.ones((3, 2), "float32")}, 1.0)]
    groups += [({"x": np.arange(5) + 20, "y": np.zeros((5, 2), "float32")}, 0.25)]
    dataset = endless_batches(groups, batch_size=2, seed=3)
    seen = [np.array(batch["x"]) for batch, _, _ in dataset.take(15)]
    for x, (batch, target, weights) in zip(seen, dataset.take(15), strict=True):
        np.testing.assert_array_equal(batch["x"], x)  # the same whenever it is gone through
        assert target is None and (x[:2] < 20).all() and (x[2:] >= 20).all()
        np.testing.assert_array_equal(batch["y"][:, 0], [1, 1, 0, 0])
        np.testing.assert_array_equal(weights, np.float32([1, 1, 0.25, 0.25]))
    own, others = (np.concatenate([x[part] for x in seen]) for part in (slice(0, 2), slice(2, 4)))
    np.testing.assert_array_equal(np.unique(own, return_counts=True)[1], [10] * 3)
    np.testing.assert_array_equal(np.unique(others, return_counts=True)[1], [6] * 5)
    assert any((own[:3] != own[i : i + 3]).any() for i in range(3, 30, 3))  # in a new order each time
