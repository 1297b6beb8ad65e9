"""Chapter 12: real checkpoints and LoRA."""

import numpy as np

from tfportrait.course.definition import Exercise, Mistake


def _factors(generator):
    rank = int(generator.choice([2, 3]))
    weight, up, down = (generator.standard_normal(s) for s in ((6, 5), (6, rank), (rank, 5)))
    return weight, up, down, float(generator.choice([1.0, 4.0, 8.0])), float(generator.uniform(0.3, 0.9))


def _sizes(generator):
    return int(generator.integers(32, 1280)), int(generator.integers(32, 1280)), int(generator.choice([3, 5, 7]))


def _channels(generator):
    inputs, outputs, time = (int(number) for number in generator.integers(16, 97, 3))
    return inputs, inputs if generator.random() < 0.5 else outputs, time


def _resnet(inputs, outputs, time, *, norms=True, biases=1, shortcut=None, embedding=True):
    shortcut = inputs != outputs if shortcut is None else shortcut
    return (
        norms * 2 * (inputs + outputs)
        + (9 * inputs + biases) * outputs
        + embedding * (time + biases) * outputs
        + (9 * outputs + biases) * outputs
        + shortcut * (inputs + biases) * outputs
    )


def _weight(generator):
    if generator.random() < 0.5:
        return (generator.standard_normal((4, 4)),)
    return (generator.standard_normal((4, 4, 3, 3)),)


def _transposed(weight):
    return weight.T if weight.ndim == 2 else weight.transpose(2, 3, 1, 0)


def _header(generator):
    return int(generator.integers(1000, 90000)), int(generator.integers(0, 10**6))


def _velocity(generator):
    x_t, velocity = generator.standard_normal((2, 3, 4))
    angle = generator.uniform(0.2, 1.3)
    return x_t, velocity, float(np.cos(angle)), float(np.sin(angle))


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
    Exercise(
        id="12-3",
        level=3,
        signature="resnet_numbers(inputs, outputs, time)",
        en="How many numbers a residual block of Stable Diffusion's U-Net has: group norm, 3x3 convolution from inputs "
        "to outputs channels, dense layer from the time embedding (of that many numbers) to outputs, group norm, 3x3 "
        "convolution from outputs to outputs; and a 1x1 convolution beside them if inputs is not outputs. All have "
        "biases; a group norm has two numbers a channel.",
        zh="Stable Diffusion 的 U-Net 中一个残差块有多少个参数：组归一化、从 inputs 到 outputs 通道的 3x3 卷积、"
        "从时间嵌入（time 个数）到 outputs 的全连接层、组归一化、从 outputs 到 outputs 的 3x3 卷积；"
        "若 inputs 不等于 outputs，旁边还有一个 1x1 卷积。它们都有偏置；组归一化每个通道两个数。",
        case=_channels,
        solution=_resnet,
        mistakes=(
            Mistake(
                "no_shortcut",
                lambda *sizes: _resnet(*sizes, shortcut=False),
                "where inputs is not outputs, a 1x1 convolution brings the input to the sum",
                "inputs 不等于 outputs 时，输入要经过 1x1 卷积才能相加",
            ),
            Mistake(
                "always_a_shortcut",
                lambda *sizes: _resnet(*sizes, shortcut=True),
                "where inputs equals outputs the input is added as it is",
                "inputs 等于 outputs 时，输入直接相加",
            ),
            Mistake(
                "no_biases",
                lambda *sizes: _resnet(*sizes, biases=0),
                "the convolutions and the dense layer have biases",
                "卷积和全连接层都有偏置",
            ),
            Mistake(
                "no_norms",
                lambda *sizes: _resnet(*sizes, norms=False),
                "the two group norms have a scale and a shift for each channel that enters them",
                "两个组归一化对每个输入通道各有一个缩放和一个平移",
            ),
            Mistake(
                "no_time",
                lambda *sizes: _resnet(*sizes, embedding=False),
                "the dense layer of the time embedding is missing",
                "缺少时间嵌入的全连接层",
            ),
        ),
        tolerance=1e-9,
    ),
    Exercise(
        id="12-4",
        level=1,
        signature="first_byte(header_length, begin)",
        en="Where in a safetensors file a tensor begins. The file has 8 bytes with the length of the header, the "
        "header, and the data; `begin` counts from the beginning of the data.",
        zh="张量在 safetensors 文件中从第几个字节开始？文件依次是 8 个字节（头部长度）、头部、数据；"
        "`begin` 从数据开头算起。",
        case=_header,
        solution=lambda header_length, begin: 8 + header_length + begin,
        mistakes=(
            Mistake(
                "eight_forgotten",
                lambda header_length, begin: header_length + begin,
                "the 8 bytes of the header's length come first",
                "最前面还有存放头部长度的 8 个字节",
            ),
            Mistake(
                "header_forgotten",
                lambda header_length, begin: 8 + begin,
                "the header lies before the data",
                "数据之前还有头部",
            ),
            Mistake(
                "from_the_file",
                lambda header_length, begin: begin,
                "begin counts from the beginning of the data, not of the file",
                "begin 从数据开头算起，而不是文件开头",
            ),
        ),
        tolerance=1e-9,
    ),
    Exercise(
        id="12-5",
        level=2,
        signature="to_keras(weight)",
        en="A weight of PyTorch as Keras has it: a convolution (out, in, height, width) becomes (height, width, in, "
        "out), a dense layer (out, in) becomes (in, out).",
        zh="把 PyTorch 的权重变成 Keras 的形式：卷积 (out, in, height, width) 变为 (height, width, in, out)，"
        "全连接层 (out, in) 变为 (in, out)。",
        case=_weight,
        solution=_transposed,
        mistakes=(
            Mistake(
                "reshaped",
                lambda weight: weight.reshape(
                    weight.shape[::-1] if weight.ndim == 2 else weight.shape[2:] + weight.shape[1::-1]
                ),
                "reshape leaves the numbers in their order and only cuts them anew: use transpose",
                "reshape 不改变数的顺序，只是重新切分：应使用 transpose",
            ),
            Mistake(
                "channels_exchanged",
                lambda weight: weight.T if weight.ndim == 2 else weight.transpose(2, 3, 0, 1),
                "that is (height, width, out, in): Keras has the input channels first",
                "这是 (height, width, out, in)：Keras 中输入通道在前",
            ),
            Mistake(
                "window_transposed",
                lambda weight: weight.T,
                "the last two axes are turned round as well: height and width are exchanged",
                "空间轴也被颠倒了：高和宽弄反了",
            ),
            Mistake(
                "dense_left",
                lambda weight: weight if weight.ndim == 2 else weight.transpose(2, 3, 1, 0),
                "a dense layer is transposed as well; where it is square, no error tells you so",
                "全连接层也要转置；当它是方阵时，不会有任何报错",
            ),
        ),
    ),
    Exercise(
        id="12-6",
        level=2,
        signature="noise_from_velocity(x_t, velocity, signal_rate, noise_rate)",
        en="The noise in x_t, from what a network with v-prediction says: v = signal_rate noise - noise_rate x_0, with "
        "squares of the rates that add up to 1.",
        zh="由 v 预测网络的输出求 x_t 中的噪声：v = signal_rate·noise - noise_rate·x_0，两个比例的平方和为 1。",
        case=_velocity,
        solution=lambda x_t, velocity, signal_rate, noise_rate: noise_rate * x_t + signal_rate * velocity,
        mistakes=(
            Mistake(
                "image",
                lambda x_t, velocity, signal_rate, noise_rate: signal_rate * x_t - noise_rate * velocity,
                "that is the image x_0, not the noise",
                "这是图像 x_0，而不是噪声",
            ),
            Mistake(
                "wrong_sign",
                lambda x_t, velocity, signal_rate, noise_rate: noise_rate * x_t - signal_rate * velocity,
                "the sign of the velocity is wrong",
                "v 的符号错了",
            ),
            Mistake(
                "exchanged",
                lambda x_t, velocity, signal_rate, noise_rate: signal_rate * x_t + noise_rate * velocity,
                "the two rates are exchanged",
                "两个比例弄反了",
            ),
            Mistake(
                "velocity_is_image",
                lambda x_t, velocity, signal_rate, noise_rate: (x_t - signal_rate * velocity) / noise_rate,
                "the velocity was taken for the image",
                "把 v 当成了图像 x_0",
            ),
        ),
        equation="prediction.v",
    ),
)
