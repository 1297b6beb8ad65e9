"""What is to be seen at first and at last of a motion, in words."""

from tfportrait.world import WORLDS
from tfportrait.world.choice import read_any

MOTIONS = {  # name: (kind, as the video model knows it; attribute that changes; words for both ends)
    "smile": ("smile", "expression", {"en": ("calm look", "smiling"), "zh": ("平静的表情", "微笑")}),
    "turn-left": ("turn", "pose", {"en": ("facing forward", "facing left"), "zh": ("正视前方", "面向左侧")}),
    "turn-right": ("turn", "pose", {"en": ("facing forward", "facing right"), "zh": ("正视前方", "面向右侧")}),
    "blink": ("blink", None, None),
    "nightfall": ("nightfall", "time", {"en": ("by day", "at night"), "zh": ("白天", "夜晚")}),
}
PORTRAITS, SCENES = ("portrait_128", "motion_128"), ("scene_128", "nightfall_128")  # painter and its video model


def video_presets(motion):
    """The shipped presets that show a motion.

    Args:
        motion: str or None. One of `MOTIONS`; None, and what is none, as one of portraits.

    Returns:
        (str, str): a painter, and the video model that was trained with it.
    """
    return SCENES if motion == "nightfall" else PORTRAITS


def motion_ends(prompts, motion):
    """Words and a motion as `VideoDiffusion.generate` takes them.

    Args:
        prompts: list of str. What moves, without what the motion changes; or two, what is to be seen at first and last.
        motion: str. One of `MOTIONS`.

    Returns:
        (str, str, str): what is to be seen at first, and at last; the kind of the motion.

    Raises:
        ValueError: unknown motion, more than two prompts, a prompt that says what the motion changes, or one that is
            about the other world.
    """
    if motion not in MOTIONS:
        raise ValueError(f"unknown motion {motion!r}; known are {', '.join(MOTIONS)}")
    kind, attribute, words = MOTIONS[motion]
    if len(prompts) == 2:
        return prompts[0], prompts[1], kind
    if len(prompts) != 1:
        raise ValueError(f"a motion takes one prompt, or two for its beginning and its end, not {len(prompts)}")
    (prompt,) = prompts
    moves = "scene_world" if kind == "nightfall" else "portrait_world"
    reading, (best, other) = WORLDS[moves].read_prompt(prompt), read_any(prompt)
    if best != moves and len(other.understood) > len(reading.understood):
        whose = "landscapes" if kind == "nightfall" else "portraits"
        raise ValueError(f"{motion} is a motion of {whose}, and {prompt!r} is none of them")
    if words is None:
        return prompt, prompt, kind
    if attribute in reading.attributes:
        phrase = next(phrase for phrase, name, _ in reading.understood if name == attribute)
        raise ValueError(
            f"{motion} changes the {attribute}, which the prompt sets ({phrase!r}): leave that out, or give two "
            "prompts, one for the beginning and one for the end"
        )
    mark = "，" if reading.language == "zh" else ", "
    first, last = (prompt.rstrip(" .。") + mark + word for word in words[reading.language])
    return first, last, kind
