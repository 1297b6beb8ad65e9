# %% [markdown] id="title" stamp="6497b5b0-5bc81ce7"
# # Your first portrait
#
# A painter that reads words is already here: it came with the package, 10 MB, and was trained on the drawings of a
# *portrait world* whose every picture has exact attributes. In this chapter you use it; in the next thirteen you take
# it apart, train each part anew, and measure whether it is any good.
#
# **You will** paint from words in two languages, see the picture appear out of noise, check the result by machine, and
# find out with four small exercises whether you know what the course takes for granted.
# ---
# # 你的第一幅肖像
#
# 一位能读懂文字的画师已经在这里：它随软件包附带，10 MB，训练于一个 *肖像世界*，其中每幅图都有精确的属性。
# 本章使用它；接下来的十三章把它拆开，重新训练每个部分，并测量它到底好不好。
#
# **你将** 用两种语言的文字作画，看图像怎样从噪声中浮现，用机器检查结果，并通过四道小练习确认自己是否具备本课程的基础。

# %% id="setup"
import numpy as np

import tfportrait as tp

LANGUAGE = "en"
say = tp.course.speaker(LANGUAGE)
painter = tp.LatentDiffusion.from_preset("portrait_128")

# %% [markdown] id="words" stamp="91c1e62b-cdc8b37a"
# ## From words to a picture
#
# `generate` takes prompts and seeds. The prompt says what is wanted; the seed decides everything that it leaves open.
# The same prompt with the same seed gives the same picture, on any machine.
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
pictures = painter.generate(prompts, seeds=[7, 8, 9, 10])
tp.plot.images(pictures, prompts, size=2.0)

# %% [markdown] id="seeds" stamp="c4f3c6d8-dc6da848"
# Six seeds for one prompt. What do all six share, and what differs? What they share is what the words said.
# ---
# 同一提示词、六个种子。六幅图有什么共同点，又有什么不同？共同的部分就是文字所说的内容。

# %% id="six-seeds"
prompt = "a laughing man with a moustache and a cap, anime"
six = painter.generate(prompt, seeds=list(range(6)))
again = painter.generate(prompt, seeds=4)
assert np.abs(again[0].astype(int) - six[4]).max() <= 2  # the same seed, the same picture, in any batch
tp.plot.images(six, [f"{say('seed', '种子')} {seed}" for seed in range(6)], columns=6, size=1.4)

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
tp.plot.sampling(list(decoded["x_t"]), list(decoded["x_0"]), count=7)

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
assert hits >= 0.6

# %% [markdown] id="applications" stamp="9d404929-55b529f0"
# ## What else it can do
#
# Every application that the source document names, and the command that does it here:
#
# | application | command |
# |---|---|
# | portraits, avatars, game characters | `tfportrait paint "a knight with a red beard"` |
# | another style or expression of a portrait | `tfportrait restyle`, `tp.tasks.directions` |
# | scenes, landscapes, game worlds | `tfportrait train lora --config scene_128`; its weights are not shipped yet |
# | panoramas | `tfportrait panorama` |
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
# 源文档提到的每种应用，以及这里对应的命令：
#
# | 应用 | 命令 |
# |---|---|
# | 肖像、头像、游戏角色 | `tfportrait paint "a knight with a red beard"` |
# | 改变肖像的风格或表情 | `tfportrait restyle`、`tp.tasks.directions` |
# | 场景、风景、游戏世界 | `tfportrait train lora --config scene_128`；其权重尚未随包提供 |
# | 全景图 | `tfportrait panorama` |
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

# %% [markdown] id="quiz" stamp="a52da58b-de6f7402"
# ## Before you go on: four small exercises
#
# Arrays, softmax, variances and broadcasting are used in every chapter. `tp.course.grade` compares your function with
# the solution on hidden cases and says at once whether it is right, or which misconception it shows. If one of these
# costs you more than ten minutes, read the refresher below first.
# ---
# ## 继续之前：四道小练习
#
# 数组、softmax、方差和广播在每一章都会用到。`tp.course.grade` 在隐藏的用例上把你的函数与标准答案比较，立即告诉你是否正确，
# 或者犯了哪种误解。如果其中一道花了你十分钟以上，请先读下面的复习。


# %% id="ex-standardize" exercise="00-1"
def standardize(table):
    # <solution>
    return (table - table.mean(axis=0)) / table.std(axis=0)
    # </solution>


tp.course.grade("00-1", standardize, language=LANGUAGE)


# %% id="ex-softmax" exercise="00-2"
def softmax(logits):
    # <solution>
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)
    # </solution>


tp.course.grade("00-2", softmax, language=LANGUAGE)


# %% id="ex-deviation" exercise="00-3"
def deviation_of_sum(a, b):
    # <solution>
    return np.sqrt(a**2 + b**2)
    # </solution>


tp.course.grade("00-3", deviation_of_sum, language=LANGUAGE)


# %% id="ex-tinted" exercise="00-4"
def tinted(images, color):
    # <solution>
    return images * color
    # </solution>


tp.course.grade("00-4", tinted, language=LANGUAGE)

# %% [markdown] id="refresher" stamp="c92852cf-2ec9dda8"
# ## Refresher
#
# * **Axes.** `x.mean(axis=0)` removes axis 0: of a table (N, D) it leaves D means, one for each column.
# * **Broadcasting.** Shapes are compared from the right; an axis of 1, or a missing one, is repeated. So (B, H, W, 3) times
#   (3,) multiplies channels; (B, 1, 1, 1) gives each image a number of its own.
# * **Variance.** $\operatorname{Var}(aX + bY) = a^2 \operatorname{Var}X + b^2 \operatorname{Var}Y$ for independent $X$, $Y$. Diffusion
#   rests on this line.
# * **Softmax.** $e^{l_i} / \sum_j e^{l_j}$; subtract the largest logit first, so that nothing overflows.
# * **Gradient.** The direction in which a function of many numbers grows fastest; training walks the other way.
#
# **What you will be able to do**: after chapters 1 to 4 explain what a generative model is and isn't; after 5 to 8 train one and
# paint with it; after 9 to 12 use and adapt it; after 13 say what it has copied, and from whom.
# ---
# ## 复习
#
# * **轴。** `x.mean(axis=0)` 去掉轴 0：对表格 (N, D) 得到 D 个均值，每列一个。
# * **广播。** 形状从右往左比较；长度为 1 或缺失的轴会被重复。因此 (B, H, W, 3) 乘 (3,) 是按通道相乘；(B, 1, 1, 1) 给每幅图一个自己的数。
# * **方差。** 对独立的 $X$、$Y$，$\operatorname{Var}(aX + bY) = a^2 \operatorname{Var}X + b^2 \operatorname{Var}Y$。扩散模型就建立在这一行上。
# * **Softmax。** $e^{l_i} / \sum_j e^{l_j}$；先减去最大的 logit，就不会溢出。
# * **梯度。** 多元函数增长最快的方向；训练则朝相反方向走。
#
# **学完之后**：第 1–4 章后，能说清什么是、什么不是生成模型；第 5–8 章后，能训练一个并用它作画；第 9–12 章后，能使用和改造它；
# 第 13 章后，能说出它复制了什么，从谁那里复制。
