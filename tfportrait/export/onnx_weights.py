"""The weights of an ONNX model in fewer bits; what is computed stays float32."""

import numpy as np

LEAST = 1024  # numbers of what is worth it


def compress(model, quantize):
    """Keeps the large float32 constants of a model, and of what is nested in it, as float16 or int8.

    float16: a cast follows, which runtimes do once. int8: one scale for each output channel, the last axis of a matrix
    and the first of a convolution's kernel, as `DequantizeLinear` undoes it.

    Args:
        model: onnx.ModelProto, changed in place.
        quantize: "float16" or "int8".
    """
    _graph(model.graph, quantize)


def _graph(graph, quantize):
    from onnx import helper, numpy_helper

    kernels = {node.input[1] for node in graph.node if node.op_type == "Conv"}
    made, initializers, nodes = [], [], []

    def small(name, array):
        stored = f"{name}__{quantize}"
        if quantize == "float16":
            initializers.append(numpy_helper.from_array(array.astype("float16"), stored))
            made.append(helper.make_node("Cast", [stored], [name], to=1))
            return
        axis = 0 if name in kernels else array.ndim - 1
        most = np.abs(array).max(axis=tuple(i for i in range(array.ndim) if i != axis))
        scale = np.maximum(most / 127, 1e-12).astype("float32")
        shape = [-1 if i == axis else 1 for i in range(array.ndim)]
        whole = np.clip(np.rint(array / scale.reshape(shape)), -127, 127).astype("int8")
        initializers.append(numpy_helper.from_array(whole, stored))
        initializers.append(numpy_helper.from_array(scale, f"{stored}_scale"))
        initializers.append(numpy_helper.from_array(np.zeros(len(scale), "int8"), f"{stored}_zero"))
        inputs = [stored, f"{stored}_scale", f"{stored}_zero"]
        made.append(helper.make_node("DequantizeLinear", inputs, [name], axis=axis))

    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        if _worth_it(array):
            small(tensor.name, array)
        else:
            initializers.append(tensor)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _graph(attribute.g, quantize)
        value = next((a.t for a in node.attribute if a.name == "value"), None) if node.op_type == "Constant" else None
        if value is not None and _worth_it(array := numpy_helper.to_array(value)):
            small(node.output[0], array)
        else:
            nodes.append(node)
    kept = [type(node).FromString(node.SerializeToString()) for node in [*made, *nodes]]
    kept_initializers = [type(each).FromString(each.SerializeToString()) for each in initializers]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept_initializers)
    graph.node.extend(kept)


def _worth_it(array):
    return array.dtype == np.float32 and array.size >= LEAST and array.ndim > 1
