"""Makes a model that multiplies in 8 bits out of one that only stores its weights in 8 bits.

The source is an ONNX model whose weights are int8 with a scale for each column (`Cast`, `Mul`, then `MatMul`). Its
products become `DynamicQuantizeLinear` and `MatMulInteger` over the very same weights, and its tables are looked up
before they are scaled and no longer after. Same input, same bytes out: the result is checked by digest.

Reads and writes the few fields of ONNX's protocol buffers that this takes. Python's standard library only.
"""


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
        if byte < 128:
            return value, at


def fields(data):
    """Number, value and all bytes of each field of a message."""
    at = 0
    while at < len(data):
        start = at
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(data, at)
        else:
            size, at = varint(data, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
            value, at = data[at : at + size], at + size
        yield tag >> 3, value, data[start:at]


def packed(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out + bytes([number]))


def field(number, value):
    if isinstance(value, int):
        return packed(number << 3) + packed(value)
    value = value.encode() if isinstance(value, str) else bytes(value)
    return packed(number << 3 | 2) + packed(len(value)) + value


# Numbers of fields in onnx.proto, and the attribute "to float" of Cast.
GRAPH, NODES, INITIALIZERS = 7, 1, 5
INPUT, OUTPUT, NAME, OPERATOR, ATTRIBUTE = 1, 2, 3, 4, 5
TENSOR_DIMS, TENSOR_NAME = 1, 8
TO_FLOAT = field(ATTRIBUTE, field(1, "to") + field(3, 1) + field(20, 2))


class Node:
    """An operation of the graph."""

    def __init__(self, data):
        self.data, self.inputs, self.outputs, self.operator = data, [], [], ""
        for number, value, _ in fields(data):
            if number == INPUT:
                self.inputs.append(bytes(value).decode())
            elif number == OUTPUT:
                self.outputs.append(bytes(value).decode())
            elif number == OPERATOR:
                self.operator = bytes(value).decode()


def node(operator, inputs, outputs, attributes=b""):
    names = [field(INPUT, name) for name in inputs] + [field(OUTPUT, name) for name in outputs]
    return b"".join(names) + field(NAME, outputs[0] + "_" + operator) + field(OPERATOR, operator) + attributes


class Weight:
    """A matrix that is stored as codes times a scale, and the two nodes that multiply it out."""

    def __init__(self, cast, multiply):
        self.codes, self.scale, self.nodes = cast.inputs[0], multiply.inputs[1], (cast, multiply)


def weights(nodes, tensors):
    made_by = {name: node for node in nodes for name in node.outputs}
    found = {}
    for multiply in (node for node in nodes if node.operator == "Mul"):
        cast = made_by.get(multiply.inputs[0])
        if cast and cast.operator == "Cast" and {cast.inputs[0], multiply.inputs[1]} <= tensors:
            found[multiply.outputs[0]] = Weight(cast, multiply)
    return found


def product(old, weight, quantised):
    """`MatMul` in 8 bits; an input that several products share is quantised once."""
    value, out = old.inputs[0], old.outputs[0]
    codes, scale, zero = value + "_codes", value + "_scale", value + "_zero"
    if value not in quantised:
        quantised.add(value)
        yield node("DynamicQuantizeLinear", [value], [codes, scale, zero])
    yield node("MatMulInteger", [codes, weight.codes, zero], [out + "_sum"])
    yield node("Cast", [out + "_sum"], [out + "_float"], TO_FLOAT)
    yield node("Mul", [scale, weight.scale], [out + "_unit"])
    yield node("Mul", [out + "_float", out + "_unit"], [out])


def lookup(old, weight):
    """`Gather` of the codes and scales of the rows that are needed, then the multiplication."""
    rows, out = old.inputs[1], old.outputs[0]
    yield node("Gather", [weight.codes, rows], [out + "_codes"])
    yield node("Cast", [out + "_codes"], [out + "_float"], TO_FLOAT)
    yield node("Gather", [weight.scale, rows], [out + "_unit"])
    yield node("Mul", [out + "_float", out + "_unit"], [out])


def flat(tensor):
    """A tensor of one row as a vector, the form in which the runtime joins the steps of a product."""
    rest = b"".join(bytes(data) for number, _, data in fields(tensor) if number != TENSOR_DIMS)
    dims = [value for number, value, _ in fields(tensor) if number == TENSOR_DIMS]
    return field(TENSOR_DIMS, dims[-1]) + rest


def name_of(tensor):
    return next(bytes(value).decode() for number, value, _ in fields(tensor) if number == TENSOR_NAME)


def new_nodes(nodes, known):
    products = {"MatMul": 1, "Gather": 0}
    use = [(node, known.get(node.inputs[products[node.operator]]) if node.operator in products else None) for node in nodes]
    replaced = {id(node) for _, weight in use if weight for node in weight.nodes}
    quantised = set()
    for old, weight in use:
        if weight and old.operator == "MatMul":
            yield from product(old, weight, quantised)
        elif weight:
            yield from lookup(old, weight)
        elif id(old) not in replaced:
            yield bytes(old.data)


def new_graph(graph):
    parts = list(fields(graph))
    nodes = [Node(value) for number, value, _ in parts if number == NODES]
    known = weights(nodes, {name_of(value) for number, value, _ in parts if number == INITIALIZERS})
    scales = {known[node.inputs[1]].scale for node in nodes if node.operator == "MatMul" and node.inputs[1] in known}
    if not scales:
        raise ValueError("the source has no product with weights of 8 bits")
    yield from (field(NODES, node) for node in new_nodes(nodes, known))
    for number, value, data in parts:
        if number == INITIALIZERS and name_of(value) in scales:
            yield field(INITIALIZERS, flat(value))
        elif number != NODES:
            yield bytes(data)


def dynamic8(model):
    """The bytes of the new model for the bytes of the source; ValueError and the like where it is no such model."""
    parts = list(fields(memoryview(model)))
    if not any(number == GRAPH for number, _, _ in parts):
        raise ValueError("the source is no ONNX model")
    new = (field(GRAPH, b"".join(new_graph(value))) if number == GRAPH else bytes(data) for number, value, data in parts)
    return b"".join(new)
