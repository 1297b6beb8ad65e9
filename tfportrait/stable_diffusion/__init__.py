"""Stable Diffusion 1.x and 2.x checkpoints in the package's own classes, and what is added to them: LoRA, new words.

The same weights, noise and sampler give diffusers' picture. Both sides, called alike:

    painter = tp.LatentDiffusion.from_preset(folder)
    noise = tp.diffusion.unit_noise([seed], 0, (64, 64, 4))       # what `generate(seeds=seed)` starts with
    image = painter.generate(prompt, seeds=seed, num_steps=20, guidance_scale=7.5, sampler="dpmpp_2m")

    pipe = diffusers.StableDiffusionPipeline.from_pretrained(folder)
    pipe.scheduler = diffusers.DPMSolverMultistepScheduler.from_config(pipe.scheduler.config)
    latents = torch.from_numpy(noise.transpose(0, 3, 1, 2).copy())  # torch has channels first
    image = pipe(prompt, latents=latents, num_inference_steps=20, guidance_scale=7.5).images[0]

and the other way round `generate(noise=latents.permute(0, 2, 3, 1).numpy())`. The samplers are DDPMScheduler,
DDIMScheduler, EulerDiscreteScheduler, EulerAncestralDiscreteScheduler, HeunDiscreteScheduler,
DPMSolverMultistepScheduler and LCMScheduler, `spacing="karras"` is `use_karras_sigmas=True`, and `guidance_rescale` an
attribute of the painter. With `spacing=None` the checkpoint's scheduler_config.json decides as it does in
`from_config`: timestep_spacing, use_karras_sigmas, rescale_betas_zero_snr, set_alpha_to_one, prediction_type. Fresh
noise of the ancestral samplers and of `lcm` is torch's there and numpy's here: only `noise=` with that of all steps
makes it the same. A checkpoint that says PNDMScheduler is painted with `dpmpp_2m` unless another sampler is named.

What differs on purpose: diffusers guides for a guidance_scale above 1 only, here 0 to 1 goes from the negative prompt
to the prompt; `tfportrait.diffusion.spacing.rates` names two grids of diffusers that do not end where they should.
"""

from tfportrait.lazy import lazy

_HOMES = {
    "LoRA": "lora",
    "Word": "words",
    "add_lora": "lora",
    "add_word": "words",
    "from_keras_cv": "keras_cv",
    "keras_cv": "",
    "load_lora": "lora",
    "load_word": "words",
    "loras": "lora",
    "personal_dataset": "personal",
    "single_file": "",
}

__all__, __getattr__, __dir__ = lazy(__name__, _HOMES)
