"""Chapter 12: real checkpoints and LoRA."""

from tfportrait.course.definition import Exercise, Mistake


def _factors(generator):
    rank = int(generator.choice([2, 3]))
    weight, up, down = (generator.standard_normal(s) for s in ((6, 5), (6, rank), (rank, 5)))
    return weight, up, down, float(generator.choice([1.0, 4.0, 8.0])), float(generator.uniform(0.3, 0.9))


def _sizes(generator):
    return int(generator.integers(32, 1280)), int(generator.integers(32, 1280)), int(generator.choice([3, 5, 7]))


EXERCISES = (
    Exercise(
        id="12-1",
        level=2,
        signature="merged(weight, up, down, alpha, strength)",
        en="The weight (out, in) with a LoRA of factors up (out, r) and down (r, in) in it, scaled by alpha / r and "
        "by its strength.",
        zh="并入 LoRA 之后的权重 (out, in)：因子 up (out, r) 与 down (r, in)，按 alpha / r 和 strength 缩放。",
        case=_factors,
        solution=lambda w, up, down, alpha, strength: w + strength * alpha / down.shape[0] * up @ down,
        mistakes=(
            Mistake(
                "rank_forgotten",
                lambda w, up, down, alpha, strength: w + strength * alpha * up @ down,
                "alpha is divided by the rank",
                "alpha 应除以秩",
            ),
            Mistake(
                "alpha_forgotten",
                lambda w, up, down, alpha, strength: w + strength * up @ down,
                "alpha / r is missing",
                "缺少 alpha / r",
            ),
            Mistake(
                "strength_forgotten",
                lambda w, up, down, alpha, strength: w + alpha / down.shape[0] * up @ down,
                "the strength is missing",
                "缺少 strength",
            ),
            Mistake(
                "weight_scaled",
                lambda w, up, down, alpha, strength: (1 - strength) * w + strength * alpha / down.shape[0] * up @ down,
                "the weight itself keeps its size: a LoRA is added",
                "原权重不应缩放：LoRA 是加上去的",
            ),
        ),
    ),
    Exercise(
        id="12-2",
        level=1,
        signature="lora_numbers(inputs, outputs, rank)",
        en="How many numbers a LoRA of this rank trains for a dense layer, its bias left alone.",
        zh="对一个全连接层（不动偏置），该秩的 LoRA 训练多少个数？",
        case=_sizes,
        solution=lambda inputs, outputs, rank: rank * (inputs + outputs),
        mistakes=(
            Mistake(
                "whole_weight",
                lambda inputs, outputs, rank: inputs * outputs,
                "that is the whole weight",
                "这是整个权重",
            ),
            Mistake(
                "product",
                lambda inputs, outputs, rank: rank * inputs * outputs,
                "the factors have rank times inputs and rank times outputs numbers: they add up",
                "两个因子分别有 秩×输入 和 秩×输出 个数：应相加",
            ),
            Mistake(
                "square",
                lambda inputs, outputs, rank: rank * (inputs + outputs) + rank**2,
                "there is no matrix between the two factors",
                "两个因子之间没有别的矩阵",
            ),
        ),
    ),
)
