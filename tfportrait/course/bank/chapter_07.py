"""Chapter 7: words."""

import numpy as np

from tfportrait.course.definition import Exercise, Mistake


def _queries(generator):
    query, key = generator.standard_normal((3, 8)), generator.standard_normal((5, 8))
    return 2 * query, key, generator.standard_normal((5, 4))


def _softmax(logits, axis=-1):
    weights = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return weights / weights.sum(axis=axis, keepdims=True)


def _predictions(generator):
    without, given = generator.standard_normal((2, 3, 4))
    return without, given, float(generator.uniform(1.5, 8.0))


def _captions(generator):
    return generator.integers(5, 40, (6, 4)), np.array([1, 0, 0, 0]), generator.uniform(0, 1, 6), 0.5


def _dropped(token_ids, empty, draws, share):
    return np.where((draws < share)[:, None], empty, token_ids)


def _scores(generator):
    return (generator.standard_normal((5, 5)),)


def _causal(scores, value=-np.inf):
    return _softmax(np.where(np.tri(len(scores), dtype=bool), scores, value))


def _tokens(generator):
    first, second = (int(token) for token in generator.integers(1, 4, 2))
    second = first if generator.uniform() < 0.4 else second
    begin = [first, second, second, second, first]
    return np.concatenate([begin, generator.integers(1, 4, int(generator.integers(8, 16)))]), first, second, 9


def _merged(ids, first, second, new):
    out = []
    for token in ids.tolist():
        if out and out[-1] == first and token == second:
            out[-1] = new
        else:
            out.append(token)
    return np.array(out)


def _swallowed(ids, first, second, new):
    found = np.append((ids[:-1] == first) & (ids[1:] == second), False)
    return np.where(found, new, ids)[~np.append(False, found[:-1])]


def _first_only(ids, first, second, new):
    found = np.flatnonzero((ids[:-1] == first) & (ids[1:] == second))[:1]
    return np.concatenate([ids[: found[0]], [new], ids[found[0] + 2 :]]) if len(found) else ids


def _weighed_tokens(generator):
    return 1 + generator.standard_normal((6, 4)) / 2, generator.uniform(0.3, 1.8, 6)


def _weigh(context, weights):
    weighed = context * weights[:, None]
    return weighed * context.mean() / weighed.mean()


EXERCISES = (
    Exercise(
        id="07-1",
        level=2,
        signature="attention(query, key, value)",
        en="Attention of one head: query (L, d), key (S, d), value (S, c) to (L, c).",
        zh="单头注意力：query (L, d)、key (S, d)、value (S, c) 得到 (L, c)。",
        case=_queries,
        solution=lambda q, k, v: _softmax(q @ k.T / np.sqrt(q.shape[-1])) @ v,
        mistakes=(
            Mistake(
                "not_scaled",
                lambda q, k, v: _softmax(q @ k.T) @ v,
                "the products are not divided by sqrt(d): with many channels only one key would count",
                "内积没有除以 sqrt(d)：通道多时只有一个 key 起作用",
            ),
            Mistake(
                "missing_square_root",
                lambda q, k, v: _softmax(q @ k.T / q.shape[-1]) @ v,
                "divided by d instead of its root",
                "除以了 d，而不是它的平方根",
            ),
            Mistake(
                "wrong_axis",
                lambda q, k, v: _softmax(q @ k.T / np.sqrt(q.shape[-1]), axis=0) @ v,
                "softmax runs over the queries: the weights of one query over all keys must add up to 1",
                "softmax 沿 query 方向了：同一 query 对各 key 的权重之和应为 1",
            ),
            Mistake(
                "no_softmax",
                lambda q, k, v: q @ k.T / np.sqrt(q.shape[-1]) @ v,
                "the softmax is missing",
                "缺少 softmax",
            ),
        ),
        equation="network.attention",
    ),
    Exercise(
        id="07-2",
        level=1,
        signature="guided(without_words, with_words, scale)",
        en="Classifier-free guidance: scale 1 is the prediction with words, scale 0 the one without.",
        zh="无分类器引导：scale 为 1 时是有文字的预测，为 0 时是无文字的预测。",
        case=_predictions,
        solution=lambda u, c, scale: u + scale * (c - u),
        mistakes=(
            Mistake(
                "wrong_sign",
                lambda u, c, scale: u + scale * (u - c),
                "the direction is from without to with words: yours leads away from the prompt",
                "方向应是从“无文字”到“有文字”：你的方向背离提示词",
            ),
            Mistake(
                "from_with_words",
                lambda u, c, scale: c + scale * (c - u),
                "begin at the prediction without words: yours has a scale larger by 1",
                "应从无文字的预测出发：你的 scale 多了 1",
            ),
            Mistake(
                "not_subtracted",
                lambda u, c, scale: u + scale * c,
                "what is scaled is the difference of the two",
                "应缩放两者之差",
            ),
            Mistake(
                "exchanged",
                lambda u, c, scale: c + scale * (u - c),
                "the two predictions are exchanged",
                "两个预测弄反了",
            ),
        ),
        equation="guidance.classifier_free",
    ),
    Exercise(
        id="07-3",
        level=2,
        signature="drop_captions(token_ids, empty, draws, share)",
        en="Captions (B, L), of which those whose draw (B,) from [0, 1) is below share become the empty one (L,).",
        zh="描述 (B, L) 中，若其随机数 draws (B,)（[0, 1) 均匀）小于 share，则换成空描述 (L,)。",
        case=_captions,
        solution=_dropped,
        mistakes=(
            Mistake(
                "kept_instead",
                lambda token_ids, empty, draws, share: _dropped(token_ids, empty, 1 - draws, share),
                "the others were dropped",
                "换掉的是另一部分",
            ),
            Mistake(
                "zeros",
                lambda token_ids, empty, draws, share: np.where((draws < share)[:, None], 0, token_ids),
                "zeros are no empty caption: it has a start token, as it will have when painting",
                "全零不是空描述：空描述有起始符，生成时也是如此",
            ),
            Mistake(
                "whole_batch",
                lambda token_ids, empty, draws, share: (
                    np.broadcast_to(empty, token_ids.shape) if draws[0] < share else token_ids
                ),
                "one draw decided for the whole batch: each caption has its own",
                "用一个随机数决定了整个批次：每条描述应各用各的",
            ),
        ),
        equation="guidance.classifier_free",
    ),
    Exercise(
        id="07-4",
        level=2,
        signature="causal_weights(scores)",
        en="Attention weights from scores (L, L), where a token sees itself and those before it.",
        zh="由分数 (L, L) 求注意力权重，每个词元只能看到自己和之前的词元。",
        case=_scores,
        solution=_causal,
        mistakes=(
            Mistake(
                "masked_after",
                lambda scores: _softmax(scores) * np.tri(len(scores)),
                "masked after the softmax: the rows no longer add up to 1",
                "在 softmax 之后才遮挡：各行之和不再为 1",
            ),
            Mistake(
                "future",
                lambda scores: _softmax(np.where(np.tri(len(scores), dtype=bool).T, scores, -np.inf)),
                "your tokens see what comes after them",
                "你的词元看到的是后面的内容",
            ),
            Mistake(
                "masked_with_zero",
                lambda scores: _causal(scores, 0.0),
                "a score of 0 is not invisible: its weight is exp(0); take minus infinity",
                "分数为 0 并非看不见：其权重是 exp(0)；应取负无穷",
            ),
            Mistake(
                "without_itself",
                lambda scores: _softmax(
                    np.where(
                        np.tri(len(scores), k=-1, dtype=bool) | (np.arange(len(scores)) == 0)[:, None], scores, -1e9
                    )
                ),
                "a token sees itself too: the diagonal belongs to it",
                "词元也能看到自己：应包含对角线",
            ),
        ),
        equation="network.attention",
    ),
    Exercise(
        id="07-5",
        level=2,
        signature="merge(ids, first, second, new)",
        en="Token ids (L,) in which, read from the left, every `first` with `second` behind it has become the one "
        "token `new`. Of three equal ones in a row the first two merge.",
        zh="从左到右读词元编号 (L,)，把每个 `first` 及紧随其后的 `second` 合并成一个词元 `new`。三个相同的词元相连时，"
        "合并前两个。",
        case=_tokens,
        solution=_merged,
        mistakes=(
            Mistake(
                "second_kept",
                lambda ids, first, second, new: np.where(
                    np.append((ids[:-1] == first) & (ids[1:] == second), False), new, ids
                ),
                "the second of the two is still there: a merge makes one token of two",
                "两个中的第二个还在：合并是把两个变成一个",
            ),
            Mistake(
                "first_only",
                _first_only,
                "only the first pair was merged: a merge holds for the whole text",
                "只合并了第一对：合并作用于整段文字",
            ),
            Mistake(
                "either_order",
                lambda ids, first, second, new: _merged(_merged(ids, first, second, new), second, first, new),
                "pairs in the other order were merged too: (a, b) is not (b, a)",
                "把次序相反的也合并了：(a, b) 不是 (b, a)",
            ),
            Mistake(
                "swallowed",
                _swallowed,
                "of three equal tokens in a row you made one: a token that has been merged cannot begin another pair",
                "把三个相同的词元变成了一个：已被合并的词元不能再开始另一对",
            ),
        ),
    ),
    Exercise(
        id="07-6",
        level=2,
        signature="weigh(context, weights)",
        en="The encoder's outputs (L, D), each multiplied by its token's weight (L,), then all scaled by one number, "
        "so that the mean over everything is what it was: how the web UIs read (word:1.3).",
        zh="编码器输出 (L, D) 各乘以其词元的权重 (L,)，再整体乘以一个数，使总平均值与原来相同：网页界面就是这样处理 "
        "(word:1.3) 的。",
        case=_weighed_tokens,
        solution=_weigh,
        mistakes=(
            Mistake(
                "mean_not_restored",
                lambda context, weights: context * weights[:, None],
                "the mean has changed: multiply all by the old mean over the new one",
                "平均值变了：整体再乘以“原平均值 / 新平均值”",
            ),
            Mistake(
                "weights_normalized",
                lambda context, weights: context * (weights / weights.mean())[:, None],
                "the mean of the weights was made 1; the mean of the outputs is what must stay",
                "你让权重的平均值为 1；应保持不变的是输出的平均值",
            ),
            Mistake(
                "restored_per_token",
                lambda context, weights: context * 1.0,
                "each token got its own mean back, which undoes its weight: one number for all",
                "每个词元各自恢复了平均值，权重就被抵消了：应整体共用一个数",
            ),
            Mistake(
                "turned_round",
                lambda context, weights: (
                    context * weights[:, None] * (context * weights[:, None]).mean() / context.mean()
                ),
                "the factor is turned round: the old mean over the new one",
                "系数弄反了：应是“原平均值 / 新平均值”",
            ),
        ),
    ),
)
