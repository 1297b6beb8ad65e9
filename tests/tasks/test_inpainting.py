import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.painters import pixel_painter, tiny_painter
from PIL import Image

import tfportrait as tp
from tfportrait import tasks
from tfportrait.cli import main
from tfportrait.models import generation, masking, weights
from tfportrait.recipe import read_recipe
from tfportrait.tasks.filling import fill
from tfportrait.tasks.inpainting import blend

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (3, 16, 16, 3), "uint8")
MASK = np.zeros((16, 16), bool)
MASK[4:9, 6:16] = True


def inpainting_painter():
    """The tiny painter with a U-Net that takes 4 + 1 + 4 channels."""
    config = {**tiny_painter().unet.config, "in_channels": 9}
    return tiny_painter(unet=tp.UNet(**config))


@pytest.fixture(scope="module")
def painter():
    return tiny_painter()


@pytest.fixture(scope="module")
def trained_for_it():
    return inpainting_painter()


@settings(max_examples=12, deadline=None)
@given(
    mask=st.integers(1, 2**16 - 1),
    seed=st.integers(0, 2**62),
    feather=st.integers(0, 3),
    count=st.integers(1, 2),
    made_for_it=st.booleans(),
)
def test_outside_any_mask_every_pixel_stays(painter, trained_for_it, mask, seed, feather, count, made_for_it):
    marked = np.array([mask >> i & 1 for i in range(16)], bool).reshape(4, 4).repeat(4, 0).repeat(4, 1)
    model = trained_for_it if made_for_it else painter
    found = tasks.inpaint(
        model, IMAGES[:count], marked, "a red cat", seeds=seed, feather=feather, num_steps=1, guidance_scale=1.0
    )
    assert found.shape == (count, 16, 16, 3) and found.dtype == np.uint8
    np.testing.assert_array_equal(found[:, ~marked], IMAGES[:count, ~marked])


@pytest.mark.parametrize("kind", ["painter", "trained_for_it"])
def test_the_same_seed_gives_the_same_image_in_any_batch(kind, request):
    model, masks = request.getfixturevalue(kind), np.stack([MASK, ~MASK, MASK])
    together = tasks.inpaint(model, IMAGES, masks, "a red cat", seeds=[5, 6, 7], num_steps=3)
    alone = tasks.inpaint(model, IMAGES[1], ~MASK, "a red cat", seeds=6, num_steps=3)
    assert np.abs(alone[0].astype(int) - together[1]).max() <= 2
    other = tasks.inpaint(model, IMAGES[1], ~MASK, "a red cat", seeds=8, num_steps=3)
    assert (other != alone).any()


@pytest.mark.parametrize("kind", ["painter", "trained_for_it"])
def test_what_was_under_the_mask_does_not_matter(kind, request):
    model = request.getfixturevalue(kind)
    hidden = np.where(MASK[..., None], 0, IMAGES[0]).astype("uint8")
    results = [tasks.inpaint(model, image, MASK, "a red cat", num_steps=3) for image in (IMAGES[0], hidden)]
    np.testing.assert_array_equal(*results)


def test_below_full_strength_what_is_under_the_mask_is_painted_over(painter):
    hidden = np.where(MASK[..., None], 0, IMAGES[0]).astype("uint8")
    results = [
        tasks.inpaint(painter, image, MASK, "a red cat", num_steps=4, strength=0.25) for image in (IMAGES[0], hidden)
    ]
    assert (results[0] != results[1]).any()


def test_known_latents_are_known_at_every_step(painter):
    """Outside the mask the sampler is told the latents of the image, in proportion where they are partly outside."""
    seen, options = [], {"num_steps": 2, "guidance_scale": 1.0}
    tasks.inpaint(painter, IMAGES[0], MASK, "a red cat", on_step=lambda i, x, x_0: seen.append((x, x_0)), **options)
    filled = fill(IMAGES[:1].astype("float32"), MASK[None])
    latents = np.asarray(painter.autoencoder.encode(np.rint(filled) / 127.5 - 1))
    shares = MASK.reshape(8, 2, 8, 2).mean(axis=(1, 3))
    assert set(np.unique(shares)) == {0.0, 0.5, 1.0}
    request = generation.Request.check(painter, "a red cat", None, [0], 2, 1.0, "dpmpp_2m", None, 16, None)
    denoise = generation.request_denoiser(painter, request)
    for (x, x_0), (signal_rate, noise_rate) in zip(seen, request.rates, strict=False):
        predicted = np.asarray(denoise(x, float(signal_rate), float(noise_rate)))
        np.testing.assert_allclose(x_0, latents + shares[..., None] * (predicted - latents), atol=1e-4)
        assert np.abs(predicted - latents).max() > 0.1


def test_the_unet_made_for_it_sees_mask_and_hidden_image(trained_for_it):
    hidden = (IMAGES[:1].astype("float32") / 127.5 - 1) * ~MASK[..., None]
    cells = MASK.reshape(8, 2, 8, 2).any(axis=(1, 3))[None, ..., None].astype("float32")
    seen, call = [], type(trained_for_it.unet).call

    def spy(self, sample, *args):
        seen.append(sample)
        return call(self, sample, *args)

    fresh = inpainting_painter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tfportrait.models.generation.compiled.compiled", lambda model, name, function: function)
        patch.setattr(type(trained_for_it.unet), "call", spy)
        tasks.inpaint(fresh, IMAGES[0], MASK, "a red cat", num_steps=1, guidance_scale=1.0)
    np.testing.assert_array_equal(seen[0][..., 4:5], cells)
    np.testing.assert_allclose(seen[0][..., 5:], fresh.autoencoder.encode(hidden), atol=1e-5)


def test_feathering_is_inside_the_mask():
    images, marked = np.zeros((1, 9, 9, 3), "uint8"), np.zeros((1, 9, 9), bool)
    marked[:, 2:, 2:] = True
    painted = 90 * marked[..., None].repeat(3, axis=-1).astype("uint8")
    found = blend(images, painted, marked, 2)[0, :, :, 0]
    np.testing.assert_array_equal(found[5], [0, 0, 30, 60, 90, 90, 90, 90, 90])  # the picture's border is no edge
    np.testing.assert_array_equal(blend(images, painted, marked, 0)[0, 5, :, 0], [0, 0] + [90] * 7)


def test_what_the_autoencoder_changes_leaves_no_seam():
    """Where it makes everything lighter, towards the right, that is taken back inside the mask too."""
    images = np.full((1, 16, 16, 3), 100, "uint8")
    painted = images + np.arange(16, dtype="uint8")[:, None] + 40 * MASK[None, ..., None].astype("uint8")
    found = blend(images, painted, MASK[None], 0)[0].astype(int)
    assert np.abs(found[MASK] - 140).max() <= 4 and (found[~MASK] == 100).all()


def test_one_trace_for_a_shape_whatever_the_mask():
    traces, fresh = [], tiny_painter()
    call = type(fresh.unet).call

    def counting(self, *args, **kwargs):
        traces.append(1)
        return call(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(fresh.unet), "call", counting)
        for mask, seed in ((MASK, 1), (~MASK, 2), (MASK[::-1], 3)):
            tasks.inpaint(fresh, IMAGES[0], mask, "a red cat", seeds=seed, num_steps=2)
    assert len(traces) == 1


def test_outpainting_keeps_the_image(painter):
    found = tasks.outpaint(painter, IMAGES[0], (0, 8, 4, 0), "a red cat", num_steps=1)
    assert found.shape == (1, 20, 24, 3)
    np.testing.assert_array_equal(found[0, :16, :16], IMAGES[0])
    with pytest.raises(ValueError, match="four whole numbers"):
        tasks.outpaint(painter, IMAGES[0], (0, 8, -4, 0), "a red cat")


def test_pixels_without_words():
    images = RANDOM.integers(0, 256, (2, 8, 8, 3), "uint8")
    found = tasks.inpaint(pixel_painter(), images, MASK[:8, :8], None, num_steps=2)
    np.testing.assert_array_equal(found[:, ~MASK[:8, :8]], images[:, ~MASK[:8, :8]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask": np.zeros((16, 16), bool)}, "marks nothing"),
        ({"mask": np.stack([MASK, MASK, MASK & False])}, "mask of image 2 marks nothing"),
        ({"mask": MASK[:8]}, "must be of one size"),
        ({"mask": np.stack([MASK] * 2)}, "must be of one size"),
        ({"mask": MASK.astype("float32")}, "uint8 or bool"),
        ({"feather": -1}, "0 or more"),
        ({"strength": 0.0}, "above 0"),
        ({"sampler": "dpm"}, "dpmpp_2m"),
        ({"image": IMAGES[..., :2]}, "must be uint8"),
    ],
)
def test_bad_input(painter, options, message):
    options = {"image": IMAGES, "mask": MASK, "prompts": "a red cat", **options}
    with pytest.raises(ValueError, match=message):
        tasks.inpaint(painter, **options)


def test_a_unet_for_inpainting_cannot_paint_alone(trained_for_it):
    with pytest.raises(ValueError, match="made for inpainting: use tfportrait.tasks.inpaint"):
        trained_for_it.generate("a red cat", num_steps=1)


def test_a_preset_for_inpainting_is_read_again(trained_for_it, tmp_path):
    trained_for_it.save_to_preset(tmp_path)
    assert weights.read_json(tmp_path / "model_index.json")["_class_name"] == "StableDiffusionInpaintPipeline"
    found = tp.LatentDiffusion.from_preset(tmp_path)
    images = [tasks.inpaint(model, IMAGES[0], MASK, "a red cat", num_steps=2) for model in (trained_for_it, found)]
    assert np.abs(images[0].astype(int) - images[1]).max() <= 8  # float16 on the disk
    config = weights.read_json(tmp_path / "unet" / "config.json")
    for channels, kind in ((5, "depth maps"), (7, "upscaling"), (8, "InstructPix2Pix"), (6, "something else")):
        weights.write_json(tmp_path / "unet" / "config.json", {**config, "in_channels": channels})
        with pytest.raises(ValueError, match=r"in_channels|" + kind):
            tp.LatentDiffusion.from_preset(tmp_path)


def test_it_starts_from_the_weights_of_a_painter(painter):
    """To which the further channels, whose weights are zero, make no difference."""
    unet = inpainting_painter().unet
    assert weights.copy_matching(painter.unet, unet) == (len(unet.weights), len(unet.weights))
    x, beside = RANDOM.standard_normal((1, 8, 8, 4)), RANDOM.standard_normal((1, 8, 8, 5))
    context = RANDOM.standard_normal((1, 16, 16))
    wanted = painter.unet(x, np.float32([10.0]), context)
    np.testing.assert_allclose(unet(np.concatenate([x, beside], -1), np.float32([10.0]), context), wanted, atol=1e-5)


@pytest.mark.slow
def test_it_trains_on_images_with_random_masks():
    model = inpainting_painter()
    model.compile("adamw")
    batch = {"image": IMAGES.astype("float32") / 127.5 - 1, "token_ids": np.asarray(model.tokenizer.encode(["a"] * 3))}
    before = np.array(model.unet.conv_in.kernel)
    model.fit(batch, epochs=1, batch_size=3, verbose=0)
    assert (np.abs(np.array(model.unet.conv_in.kernel) - before).max(axis=(0, 1, 3)) > 0).all()  # all nine channels
    first, second = (float(model.compute_loss(batch, training=False)) for _ in range(2))
    assert first == second
    with pytest.raises(ValueError, match="is trained on images"):
        model.compute_loss({"latents": np.zeros((1, 8, 8, 4)), "token_ids": batch["token_ids"][:1]})


def test_masks_to_train_with():
    masks = np.asarray(masking.random_masks(500, 16, 12, [1, 2, 3]))
    assert masks.shape == (500, 16, 12, 1) and set(np.unique(masks)) == {0.0, 1.0}
    shares = masks.mean(axis=(1, 2, 3))
    assert 0.05 < (shares == 1).mean() < 0.17 and 0.2 < shares.mean() < 0.5 and len(np.unique(shares)) > 50
    np.testing.assert_array_equal(masks, masking.random_masks(500, 16, 12, [1, 2, 3]))
    hidden = np.asarray(masking.hide(np.ones((500, 32, 24, 3), "float32"), masks, 2))
    np.testing.assert_array_equal(hidden[:, 1::2, ::2, :1], 1 - masks)


def test_the_command(tmp_path, capsys, monkeypatch, opened_once):
    tiny_painter().save_to_preset(tmp_path / "preset")
    picture, out = tmp_path / "in.png", tmp_path / "out.png"
    Image.fromarray(IMAGES[0]).save(picture)
    arguments = ["inpaint", str(picture), "--preset", str(tmp_path / "preset"), "--steps=1", f"--out={out}"]
    assert main([*arguments, "--mask=6,4,10,5", "--prompt=a red cat"]) == 0
    assert "20% of the picture" in capsys.readouterr().out
    np.testing.assert_array_equal(np.asarray(Image.open(out))[~MASK], IMAGES[0][~MASK])
    recipe = read_recipe(out)
    assert (recipe["task"], recipe["mask"], recipe["input"]["file"]) == ("inpaint", [6, 4, 10, 5], "in.png")
    grey = tmp_path / "mask.png"
    Image.fromarray((MASK * 100).astype("uint8")).save(grey)
    assert main([*arguments, f"--mask={grey}"]) == 0
    said = capsys.readouterr().out
    assert "shades of grey" in said and "The picture shows: " not in said  # the painter does not know the world
    with monkeypatch.context() as patch:
        patch.setattr(tp.Tokenizer, "reads_chinese", True)
        opened_once()  # it would remember what it reads
        assert main([*arguments, f"--mask={grey}"]) == 0
    assert "The picture shows: " in capsys.readouterr().out
    np.testing.assert_array_equal(np.asarray(Image.open(out))[~MASK], IMAGES[0][~MASK])
    assert main([*arguments, "--extend=0,8,0,0", "--prompt=a red cat"]) == 0
    assert Image.open(out).size == (24, 16)
    assert main([*arguments, "--mask=0,0,16,16", "--prompt=a red cat"]) == 0
    assert "100% of the picture is painted anew, none of it is kept" in capsys.readouterr().out
    Image.fromarray(np.zeros((8, 8), "uint8")).save(grey)
    for more, message in (
        ([], "say where"),
        (["--overlay", "--extend=0,8,0,0"], "say where"),
        (["--overlay"], "of 96 to 256 pixels"),
        (["--mask=1,2,3"], "four whole numbers"),
        (["--mask=10,10,10,10"], "not in the picture of 16 x 16"),
        ([f"--mask={grey}"], "8 x 8 pixels, its picture 16 x 16"),
        (["--mask=none.png"], "four whole numbers, such as 32,48,64,24 or a picture's name"),
    ):
        assert main([*arguments, *more]) == 2
        assert message in capsys.readouterr().err


def test_an_overlay_is_found_and_painted_over(tmp_path, capsys):
    tiny_painter().save_to_preset(tmp_path / "preset")
    portrait, picture, out = tp.world.sample(1).render(96), tmp_path / "in.png", tmp_path / "out.png"
    covered, mask = tp.world.overlays.draw(portrait, 2, "stamp")
    Image.fromarray(covered).save(picture)
    arguments = ["inpaint", str(picture), "--preset", str(tmp_path / "preset"), "--steps=1", "--size=96", "--overlay"]
    assert main([*arguments, "--prompt=a red cat", f"--out={out}"]) == 0
    found = np.asarray(Image.open(out))
    np.testing.assert_array_equal(found[~mask], covered[~mask])
    assert (found[mask] != covered[mask]).any(axis=-1).mean() > 0.9 and read_recipe(out)["overlay"] is True
    Image.fromarray(portrait).save(picture)
    assert main([*arguments, f"--out={out}"]) == 2
    assert "no overlay of the portrait world was found" in capsys.readouterr().err
