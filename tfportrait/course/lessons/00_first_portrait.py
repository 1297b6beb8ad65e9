# %% [markdown] id="title" stamp="19a1d6a8-09fa0046"
# # Your first portrait
#
# A painter that reads words is already here: it came with the package, 18 MB, and was trained on the drawings of a
# *portrait world* whose every picture has exact attributes. In this chapter you use it; in the next thirteen you take
# it apart, train each part anew, and measure whether it is any good.
#
# **You will** paint from words in two languages, see the picture appear out of noise, check the result by machine, and
# find out with eight small exercises whether you know what the course takes for granted.
#
# Where TensorFlow is imported it may write a few lines on red about oneDNN and CUDA: it says what it uses, and that
# there is no GPU. Nothing is wrong.
# ---
# # 你的第一幅肖像
#
# 一位能读懂文字的画师已经在这里：它随软件包附带，18 MB，训练于一个 *肖像世界*，其中每幅图都有精确的属性。
# 本章使用它；接下来的十三章把它拆开，重新训练每个部分，并测量它到底好不好。
#
# **你将** 用两种语言的文字作画，看图像怎样从噪声中浮现，用机器检查结果，并通过八道小练习确认自己是否具备本课程的基础。
#
# 导入 TensorFlow 时可能出现几行红底文字，提到 oneDNN 和 CUDA：那是它在说明自己用了什么、没有 GPU。并没有出错。

# %% id="setup"
import numpy as np

import tfportrait as tp  # before Keras, so that TensorFlow starts with its fast operations

# isort: split
import keras

LANGUAGE = "en"
say = tp.course.speaker(LANGUAGE)
painter = tp.LatentDiffusion.from_preset("portrait_128")

# %% [markdown] id="words" stamp="336bd390-cdc8b37a"
# ## From words to a picture
#
# `generate` takes prompts and seeds. The prompt says what is wanted; the seed decides everything that it leaves open.
# The same prompt with the same seed gives the same picture, on any machine. The third prompt says: a young woman with a
# beret, oil painting.
# ---
# ## 从文字到图像
#
# `generate` 接受提示词和种子。提示词说明想要什么；种子决定提示词没有说的一切。相同的提示词加相同的种子，在任何机器上都得到相同的图像。

# %% id="paint"
prompts = [
    "a smiling woman with long red hair and round glasses, watercolour",
    "an old man with a grey beard, ink drawing",
    "一位戴贝雷帽的年轻女子，油画",
    "a surprised child with curly black hair, pixel art",
]
pictures = painter.generate(prompts, seeds=[7, 12, 11, 19])
tp.plot.images(pictures, prompts, columns=4, size=1.3)

# %% [markdown] id="seeds" stamp="23560151-0eaa1d5e"
# Six seeds for one prompt. Cap and laugh are in all six, because the words say so; clothes, skin and background are the
# seed's. Now look for the moustache: the painter does not always obey. How often it does must be counted.
# ---
# 同一提示词、六个种子。六幅图都有帽子和大笑，因为文字这样说；衣服、肤色和背景由种子决定。
# 再找找小胡子：画师并不总是听话，听话的程度要数出来。

# %% id="six-seeds"
prompt = "a laughing man with a moustache and a cap, anime"
six = painter.generate(prompt, seeds=list(range(6)))
again = painter.generate(prompt, seeds=4)
assert np.abs(again[0].astype(int) - six[4]).max() <= 2  # the same seed, the same picture, in any batch
tp.plot.images(six, [f"{say('seed', '种子')} {seed}" for seed in range(6)], columns=6, size=0.95)

# %% [markdown] id="noise" stamp="972c41b4-8819eba0"
# ## Out of noise
#
# The painter starts from pure noise and removes a little of it in each of 20 steps. Above: what it has in hand at a
# step. Below: what it would say the finished picture is, if it had to stop there. Early guesses are blurred, because
# many pictures are still possible and the best guess is their mean (chapter 4 proves it).
# ---
# ## 从噪声中浮现
#
# 画师从纯噪声出发，在 20 步中每步去掉一点噪声。上排：某一步时手里的东西。下排：如果必须在此停下，它认为成品是什么样。
# 早期的猜测是模糊的，因为此时许多图像都有可能，最好的猜测就是它们的平均值（第 4 章给出证明）。

# %% id="steps"
seen = {"x_t": [], "x_0": []}


def remember(i, x_t, x_0):
    seen["x_t"].append(x_t[0])
    seen["x_0"].append(x_0[0])


painter.generate(prompts[0], seeds=7, on_step=remember)
decoded = {
    name: np.asarray(painter.autoencoder.decode(np.stack(latents))).clip(-1, 1) for name, latents in seen.items()
}
tp.plot.sampling(list(decoded["x_t"]), list(decoded["x_0"]), count=5, size=0.85, language=LANGUAGE)

# %% [markdown] id="oracle" stamp="80e198e0-307ec2d4"
# ## Is it what was asked for?
#
# Looking is not measuring. Because the painter learned from a world with exact attributes, a second network, the
# *oracle*, can read them off a picture and count how many of the named ones are there. That number, the *prompt
# accuracy*, is how this course says what is better.
# ---
# ## 它画出了要求的内容吗？
#
# 看一眼不等于测量。由于画师学习的世界带有精确属性，另一个网络（*判读器*，oracle）可以从图像中读出属性，并数出提示词提到的属性有多少出现了。
# 这个数就是 *提示准确率*，本课程用它来判断什么更好。

# %% id="read"
wanted = {"gender": "woman", "expression": "smiling", "hair_color": "red", "glasses": "round", "style": "watercolour"}
found = tp.tasks.read_attributes(pictures[:1])[0]
for name, value in wanted.items():
    print(f"{name:12s} {value:12s} {found[name]:12s} {'✓' if found[name] == value else '✗'}")
hits = np.mean([found[name] == value for name, value in wanted.items()])
moustaches = [each["facial_hair"] == "moustache" for each in tp.tasks.read_attributes(six)]
print(say("moustaches in the six:", "六幅中的小胡子："), sum(moustaches))
assert hits >= 0.6

# %% [markdown] id="applications" stamp="2a448c29-e5e9b4da"
# ## What else it can do
#
# Every application that the book chapter behind this course (from here on *the source document*) names, and the command
# that does it here:
#
# | application | command |
# |---|---|
# | portraits, avatars, game characters | `tfportrait paint "a man with a crown and a red beard"` |
# | another style or expression of a portrait | `tfportrait restyle`, `tp.tasks.directions` |
# | scenes, landscapes, game worlds | `tfportrait paint --preset scene_128 "a sailing boat on the sea at dawn"` |
# | panoramas | `tfportrait panorama --preset scene_128` |
# | short films, changing expressions | `tfportrait animate "a neutral man" "a laughing man"` |
# | repair, removal of stamps and text | `tfportrait inpaint`, `tfportrait restore` |
# | larger pictures | `tfportrait upscale`, `tfportrait paint --size 256` |
# | adapting to time and machine | `tfportrait paint --quality good`, `--budget 2s` |
# | material for teaching | this course |
# | real Stable Diffusion checkpoints | `tfportrait paint --preset FOLDER` (chapter 12) |
# | advertisements with text or products | not here: the world has no letters and no products |
# | special effects for films, virtual reality | not here: there is no three-dimensional geometry |
# | pictures of real people | not here, because nobody has consented; the world is drawn by a program |
# | proof that a picture is genuine | the reverse: `tfportrait recipe FILE` says that a picture was generated, and how |
# ---
# ## 它还能做什么
#
# 本课程所依据的书中章节（下称 *源文档*）提到的每种应用，以及这里对应的命令：
#
# | 应用 | 命令 |
# |---|---|
# | 肖像、头像、游戏角色 | `tfportrait paint "戴王冠、红胡子的男人"` |
# | 改变肖像的风格或表情 | `tfportrait restyle`、`tp.tasks.directions` |
# | 场景、风景、游戏世界 | `tfportrait paint --preset scene_128 "清晨海上的帆船"` |
# | 全景图 | `tfportrait panorama --preset scene_128` |
# | 短动画、表情变化 | `tfportrait animate "a neutral man" "a laughing man"` |
# | 修复、去除印章和文字 | `tfportrait inpaint`、`tfportrait restore` |
# | 更大的图像 | `tfportrait upscale`、`tfportrait paint --size 256` |
# | 按时间和机器自适应 | `tfportrait paint --quality good`、`--budget 2s` |
# | 教学素材 | 本课程 |
# | 真正的 Stable Diffusion 检查点 | `tfportrait paint --preset 文件夹`（第 12 章） |
# | 带文字或商品的广告 | 这里没有：肖像世界中没有文字和商品 |
# | 电影特效、虚拟现实 | 这里没有：没有三维几何 |
# | 真实人物的图像 | 这里没有，因为没有人同意过；这个世界是由程序绘制的 |
# | 证明图像是真实的 | 恰恰相反：`tfportrait recipe 文件` 说明图像是生成的，以及如何生成 |

# %% [markdown] id="quiz" stamp="3fd50d86-7cc5fb4a"
# ## Before you go on: eight small exercises
#
# Arrays, softmax, variances, vectors, gradients, convolutions and their sizes are used in every chapter. Before each
# exercise stands what it needs. `tp.course.grade` compares your function with the solution on hidden cases and says at
# once whether it is right, or which misconception it shows. If you get all eight within an hour, you are ready. The
# number of an exercise is its name: in some chapters they come in another order.
#
# **Axes.** `x.mean(axis=0)` removes axis 0: of a table (N, D) it leaves D means, one for each column.
# ---
# ## 继续之前：八道小练习
#
# 数组、softmax、方差、向量、梯度、卷积及其尺寸在每一章都会用到。每道练习之前写着它所需的知识。`tp.course.grade` 在隐藏的用例上
# 把你的函数与标准答案比较，立即告诉你是否正确，或者犯了哪种误解。如果八道题一小时内都能做对，你就准备好了。
# 练习的编号只是名字：有些章节中练习并不按编号的顺序出现。
#
# **轴。** `x.mean(axis=0)` 去掉轴 0：对表格 (N, D) 得到 D 个均值，每列一个。


# %% id="ex-standardize" exercise="00-1"
def standardize(table):
    # <solution>
    return (table - table.mean(axis=0)) / table.std(axis=0)
    # </solution>


tp.course.grade("00-1", standardize, language=LANGUAGE)

# %% [markdown] id="about-softmax" stamp="2818c767-7b9464fb"
# **Probability.** Networks give any numbers, *logits*. Softmax makes probabilities of them: $e^{l_i} / \sum_j e^{l_j}$.
# Subtract the largest logit first: the result is the same, and nothing overflows.
# ---
# **概率。** 网络输出的是任意实数，即 *logit*。softmax 把它们变成概率：$e^{l_i} / \sum_j e^{l_j}$。先减去最大的 logit，结果不变，也不会溢出。


# %% id="ex-softmax" exercise="00-2"
def softmax(logits):
    # <solution>
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)
    # </solution>


tp.course.grade("00-2", softmax, language=LANGUAGE)

# %% [markdown] id="about-variance" stamp="feb17f1a-19abac4a"
# **Variance.** $\operatorname{Var}(aX + bY) = a^2 \operatorname{Var}X + b^2 \operatorname{Var}Y$ for independent $X$, $Y$.
# The standard deviation is its root. Diffusion rests on this line.
# ---
# **方差。** 对独立的 $X$、$Y$，$\operatorname{Var}(aX + bY) = a^2 \operatorname{Var}X + b^2 \operatorname{Var}Y$。标准差是方差的平方根。
# 扩散模型就建立在这一行上。


# %% id="ex-deviation" exercise="00-3"
def deviation_of_sum(a, b):
    # <solution>
    return np.sqrt(a**2 + b**2)
    # </solution>


tp.course.grade("00-3", deviation_of_sum, language=LANGUAGE)

# %% [markdown] id="about-broadcasting" stamp="04f36040-1362507c"
# **Broadcasting.** Shapes are compared from the right; an axis of 1, or a missing one, is repeated. So (B, H, W, 3) times
# (3,) multiplies channels; (B, 1, 1, 1) gives each image a number of its own.
# ---
# **广播。** 形状从右往左比较；长度为 1 或缺失的轴会被重复。因此 (B, H, W, 3) 乘 (3,) 是按通道相乘；(B, 1, 1, 1) 给每幅图一个自己的数。


# %% id="ex-tinted" exercise="00-4"
def tinted(images, color):
    # <solution>
    return images * color
    # </solution>


tp.course.grade("00-4", tinted, language=LANGUAGE)

# %% [markdown] id="about-vectors" stamp="ebd5c064-bf89e56e"
# **Vectors.** The scalar product $a \cdot b = \sum_i a_i b_i$ is $|a|\,|b| \cos\varphi$: the cosine is 1 for the same
# direction, 0 at a right angle. `a @ b.T` has all scalar products of rows of `a` with rows of `b`. This is how attention
# finds what fits together, and how pictures are compared with words.
# ---
# **向量。** 内积 $a \cdot b = \sum_i a_i b_i$ 等于 $|a|\,|b| \cos\varphi$：方向相同时余弦为 1，垂直时为 0。
# `a @ b.T` 给出 `a` 的各行与 `b` 的各行的所有内积。注意力机制就这样寻找相配的东西，图像与文字也这样比较。


# %% id="ex-cosine" exercise="00-5"
def cosine_similarity(a, b):
    # <solution>
    lengths = np.linalg.norm(a, axis=1)[:, None] * np.linalg.norm(b, axis=1)
    return a @ b.T / lengths
    # </solution>


tp.course.grade("00-5", cosine_similarity, language=LANGUAGE)

# %% [markdown] id="about-gradients" stamp="fc0feb98-9a80be37"
# **Gradients.** The gradient holds the derivative by each number and points where a function grows fastest; training
# walks the other way. For $L = \frac1N \sum_n (x_n \cdot w - y_n)^2$ the chain rule gives
# $\nabla_w L = \frac2N X^\top (Xw - y)$. Below, your step finds three weights again.
# ---
# **梯度。** 梯度由对每个数的导数组成，指向函数增长最快的方向；训练则朝相反方向走。对 $L = \frac1N \sum_n (x_n \cdot w - y_n)^2$，
# 链式法则给出 $\nabla_w L = \frac2N X^\top (Xw - y)$。下面用你的一步重新找出三个权重。


# %% id="ex-descend" exercise="00-6"
def descend(weights, x, y, rate):
    # <solution>
    return weights - rate * 2 / len(y) * x.T @ (x @ weights - y)
    # </solution>


tp.course.grade("00-6", descend, language=LANGUAGE)

# %% id="found-again"
x, true = np.random.default_rng(0).standard_normal((50, 3)), np.array([1.0, -2.0, 0.5])
weights = np.zeros(3)
for _ in range(100):
    weights = descend(weights, x, x @ true, 0.1)
print(weights.round(3))
assert np.abs(weights - true).max() < 1e-3

# %% [markdown] id="about-convolutions" stamp="2755fe34-6cd5db14"
# **Convolutions.** A kernel of side $k$ slides over a picture in strides of $s$. Inside a picture of side $n$ it has
# $\lfloor (n - k) / s \rfloor + 1$ places ("valid"). With padding "same" Keras pads just so much that
# $\lceil n / s \rceil$ come out: the same side for a stride of 1, half of it for 2.
# ---
# **卷积。** 边长为 $k$ 的卷积核以步幅 $s$ 滑过图像。在边长为 $n$ 的图像内部，它有 $\lfloor (n - k) / s \rfloor + 1$ 个位置（"valid"）。
# 填充为 "same" 时，Keras 恰好补足，使输出边长为 $\lceil n / s \rceil$：步幅为 1 时不变，为 2 时减半。


# %% id="ex-side" exercise="00-7"
def output_side(side, kernel, stride, same):
    # <solution>
    return -(-side // stride) if same else (side - kernel) // stride + 1
    # </solution>


tp.course.grade("00-7", output_side, language=LANGUAGE)

# %% [markdown] id="about-shapes" stamp="90e4c079-e9b47017"
# **Shapes in Keras.** Batches of images are (B, H, W, C), channels last. A filter sees all channels of its input, so the
# kernel of a `Conv2D` is (k, k, channels in, filters), and `filters` is the number of channels that come out. Your two
# functions are then checked against Keras itself.
# ---
# **Keras 中的形状。** 一批图像是 (B, H, W, C)，通道在最后。一个滤波器看到输入的所有通道，所以 `Conv2D` 的卷积核是
# (k, k, 输入通道, filters)，`filters` 就是输出的通道数。然后用 Keras 本身检验你的两个函数。


# %% id="ex-weights" exercise="00-8"
def conv_weights(kernel, in_channels, filters):
    # <solution>
    return kernel * kernel * in_channels * filters + filters
    # </solution>


tp.course.grade("00-8", conv_weights, language=LANGUAGE)

# %% id="keras-says"
for kernel, stride, padding in ((3, 1, "same"), (4, 2, "same"), (5, 2, "valid")):
    layer = keras.layers.Conv2D(16, kernel, stride, padding=padding)
    shape = layer(pictures.astype("float32")).shape
    print(
        f"{kernel} x {kernel}, {stride}, {padding:5s}  {tuple(pictures.shape)} -> {tuple(shape)}, {layer.count_params()}"
    )
    assert shape[1] == output_side(128, kernel, stride, padding == "same")
    assert layer.count_params() == conv_weights(kernel, 3, 16)

# %% [markdown] id="refresher" stamp="cd77c1ea-2a893d58"
# ## Where this leads
#
# If an exercise was hard, that is no reason to stop: the graders of every chapter name what went wrong, and these eight
# come back all the time. Repeat them in a week.
#
# **What you will be able to do**: after chapters 1 to 4 explain what a generative model is and isn't; after 5 to 8 train one and
# paint with it; after 9 to 12 use and adapt it; after 13 say what it has copied, and from whom.
# ---
# ## 通向何处
#
# 某道题做得吃力，并不是停下的理由：每一章的评分都会指出错在哪里，而这八道题会不断重现。一周后再做一遍。
#
# **学完之后**：第 1–4 章后，能说清什么是、什么不是生成模型；第 5–8 章后，能训练一个并用它作画；第 9–12 章后，能使用和改造它；
# 第 13 章后，能说出它复制了什么，从谁那里复制。
