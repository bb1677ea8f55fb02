// graphs.mjs - ONNX graphs for bench-diagnosis alone, written here so that the bench needs nothing that trains: SqueezeNet 1.1 over
// 3 x 224 x 224 values with made-up weights (untrained: its answers mean nothing), and for each model one that takes the same input and
// does next to nothing, whose call is the floor.
import { createRequire } from 'node:module';

const protobuf = createRequire(import.meta.url)('protobufjs');
// Of onnx.proto (ONNX 1.12), the fields that these graphs use.
const { root } = protobuf.parse(`syntax = "proto2"; package onnx;
message AttributeProto { optional string name = 1; optional float f = 2; optional int64 i = 3; repeated int64 ints = 8; optional int32 type = 20; }
message NodeProto { repeated string input = 1; repeated string output = 2; optional string op_type = 4; repeated AttributeProto attribute = 5; }
message TensorProto { repeated int64 dims = 1; optional int32 data_type = 2; optional string name = 8; optional bytes raw_data = 9; }
message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
message Shape { repeated Dimension dim = 1; }
message Tensor { optional int32 elem_type = 1; optional Shape shape = 2; }
message TypeProto { optional Tensor tensor_type = 1; }
message ValueInfoProto { optional string name = 1; optional TypeProto type = 2; }
message GraphProto { repeated NodeProto node = 1; optional string name = 2; repeated TensorProto initializer = 5; repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12; }
message OperatorSetIdProto { optional string domain = 1; optional int64 version = 2; }
message ModelProto { optional int64 ir_version = 1; optional string producer_name = 2; optional GraphProto graph = 7; repeated OperatorSetIdProto opset_import = 8; }`, { keepCase: true });
const Model = root.lookupType('onnx.ModelProto');
const [FLOAT, INT64] = [1, 7];
const [INT, INTS] = [2, 7]; // AttributeProto.type

// xorshift32: the same weights everywhere.
function* drawn() {
  for (let x = 0x9e3779b9; ;) {
    x ^= x << 13; x ^= x >>> 17; x ^= x << 5;
    yield ((x >>> 8) / 16777216) * 2 - 1;
  }
}
const draw = drawn();
const tensor = (name, dims, scale) => {
  const n = dims.reduce((a, b) => a * b, 1);
  return { name, dims, data_type: FLOAT, raw_data: Buffer.from(Float32Array.from({ length: n }, () => draw.next().value * scale).buffer) };
};
const value = (name, shape) => ({ name, type: { tensor_type: { elem_type: FLOAT, shape: { dim: [{ dim_param: 'n' }, ...shape.map((d) => ({ dim_value: d }))] } } } });
const int = (name, i) => ({ name, i, type: INT });
const ints = (name, v) => ({ name, ints: v, type: INTS });
const model = (name, node, initializer, input, output) => Buffer.from(Model.encode(Model.fromObject({
  ir_version: 7, producer_name: 'bench-diagnosis', opset_import: [{ version: 13 }], graph: { name, node, initializer, input, output },
})).finish());

// SqueezeNet 1.1: 1.2 million weights, about 350 million multiplications. Source: Iandola F et al., SqueezeNet, 2016, arXiv:1602.07360,
// and github.com/forresti/SqueezeNet, SqueezeNet_v1.1.
export function cnn224() {
  const node = [], initializer = [];
  const conv = (from, name, channels, to, side, attribute = []) => {
    initializer.push(tensor(`${name}_w`, [to, channels, side, side], Math.sqrt(6 / (channels * side * side))), tensor(`${name}_b`, [to], 0.1));
    node.push({ op_type: 'Conv', input: [from, `${name}_w`, `${name}_b`], output: [`${name}_c`], attribute });
    node.push({ op_type: 'Relu', input: [`${name}_c`], output: [name] });
    return name;
  };
  const pool = (from) => {
    node.push({ op_type: 'MaxPool', input: [from], output: [`${from}_pool`], attribute: [ints('kernel_shape', [3, 3]), ints('strides', [2, 2]), int('ceil_mode', 1)] });
    return `${from}_pool`;
  };
  const fire = (from, name, channels, squeeze, expand) => {
    const s = conv(from, `${name}_s`, channels, squeeze, 1);
    const parts = [conv(s, `${name}_1`, squeeze, expand, 1), conv(s, `${name}_3`, squeeze, expand, 3, [ints('pads', [1, 1, 1, 1])])];
    node.push({ op_type: 'Concat', input: parts, output: [name], attribute: [int('axis', 1)] });
    return name;
  };
  let at = pool(conv('image', 'conv1', 3, 64, 3, [ints('strides', [2, 2])])), channels = 64;
  for (const [i, [squeeze, expand]] of [[16, 64], [16, 64], [32, 128], [32, 128], [48, 192], [48, 192], [64, 256], [64, 256]].entries()) {
    at = fire(at, `fire${i + 2}`, channels, squeeze, expand);
    channels = 2 * expand;
    if (i === 1 || i === 3) at = pool(at);
  }
  at = conv(at, 'conv10', channels, 1000, 1);
  node.pop(); // without the last Relu: an answer of 0 would say nothing
  at = 'conv10_c';
  node.push({ op_type: 'GlobalAveragePool', input: [at], output: ['mean'] }, { op_type: 'Flatten', input: ['mean'], output: ['logit'], attribute: [int('axis', 1)] });
  return model('untrained_squeezenet', node, initializer, [value('image', [3, 224, 224])], [value('logit', [1000])]);
}

// The first value of each row.
export function floor(input, shape) {
  const initializer = [{ name: 'first', dims: [1], data_type: INT64, raw_data: Buffer.alloc(8) }];
  const node = [{ op_type: 'Flatten', input: [input], output: ['flat'], attribute: [int('axis', 1)] },
    { op_type: 'Gather', input: ['flat', 'first'], output: ['logit'], attribute: [int('axis', 1)] }];
  return model('floor', node, initializer, [value(input, shape)], [value('logit', [1])]);
}
