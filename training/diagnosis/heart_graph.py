"""scikit-learn's fitted models as ONNX graphs, by python3-onnx alone.

Every graph takes `features` [n, 13] with NaN where a value is missing and gives `logit` [n, 1] and `far` [n, 1].
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Graph:
    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, value):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def f32(self, value):
        return self.constant(np.asarray(value, dtype=np.float32))

    def add(self, op, *inputs, out=None, domain="", **attributes):
        out = out or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [out], domain=domain, **attributes))
        return out

    def save(self, path, name, n_features):
        graph = helper.make_graph(
            self.nodes, name, [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", n_features])],
            [helper.make_tensor_value_info(o, TensorProto.FLOAT, ["n", 1]) for o in ("logit", "far")], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid("ai.onnx.ml", 1)],
                                  producer_name="ward", ir_version=7)
        onnx.checker.check_model(model)
        with open(path, "wb") as f:
            f.write(model.SerializeToString(deterministic=True))


def filled(g, medians):
    """The features with the training rows' median where a value is missing."""
    return g.add("Where", g.add("IsNaN", "features"), g.f32([medians]), "features")


def encoded(g, x, code):
    """Numbers to zero mean and unit variance, categories to one 0 or 1 each: as heart.encode does."""
    numbers = g.add("Gather", x, g.constant(np.array(code.numbers, dtype=np.int64)), axis=1)
    scaled = g.add("Div", g.add("Sub", numbers, g.f32([code.mean])), g.f32([code.scale]))
    columns, values = zip(*code.categories)
    category = g.add("Gather", x, g.constant(np.array(columns, dtype=np.int64)), axis=1)
    hot = g.add("Cast", g.add("Equal", category, g.f32([values])), to=TensorProto.FLOAT)
    return g.add("Concat", scaled, hot, axis=1)


def far(g, x, mean, root):
    """Squared Mahalanobis distance from the training rows, divided by the number of features."""
    away = g.add("MatMul", g.add("Sub", x, g.f32([mean])), g.f32(root))
    g.add("ReduceMean", g.add("Mul", away, away), out="far", axes=[1], keepdims=1)


def down(thresholds):
    """float64 to float32, never upwards: x <= threshold then holds for the same float32 x."""
    narrow = thresholds.astype(np.float32)
    return np.where(narrow.astype(np.float64) > thresholds, np.nextafter(narrow, np.float32(-np.inf)), narrow)


def forest(g, x, trees, least):
    """The mean of the trees' shares of diseased rows, kept inside (least, 1 - least), as a logit."""
    a = {k: [] for k in ("nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_values", "nodes_modes",
                         "nodes_truenodeids", "nodes_falsenodeids", "target_treeids", "target_nodeids", "target_ids",
                         "target_weights")}
    for t, tree in enumerate(trees):
        tree = tree.tree_
        leaf = tree.children_left < 0
        n = tree.node_count
        a["nodes_treeids"] += [t] * n
        a["nodes_nodeids"] += range(n)
        a["nodes_featureids"] += np.where(leaf, 0, tree.feature).tolist()
        a["nodes_values"] += down(np.where(leaf, 0.0, tree.threshold)).tolist()
        a["nodes_modes"] += np.where(leaf, "LEAF", "BRANCH_LEQ").tolist()
        a["nodes_truenodeids"] += np.where(leaf, 0, tree.children_left).tolist()
        a["nodes_falsenodeids"] += np.where(leaf, 0, tree.children_right).tolist()
        at = np.flatnonzero(leaf)
        share = tree.value[at, 0, 1] / tree.value[at, 0].sum(axis=1)
        a["target_treeids"] += [t] * len(at)
        a["target_nodeids"] += at.tolist()
        a["target_ids"] += [0] * len(at)
        a["target_weights"] += (share / len(trees)).astype(np.float32).tolist()
    p = g.add("TreeEnsembleRegressor", x, domain="ai.onnx.ml", n_targets=1, aggregate_function="SUM", post_transform="NONE", **a)
    p = g.add("Clip", p, g.f32(least), g.f32(1 - least))
    g.add("Sub", g.add("Log", p), g.add("Log", g.add("Sub", g.f32(1), p)), out="logit")


def svm(g, x, model):
    """The distance from the separating surface. SVMRegressor is the operator that gives just that."""
    raw = g.add("SVMRegressor", x, domain="ai.onnx.ml", kernel_type="RBF", n_supports=len(model.support_vectors_),
                coefficients=model.dual_coef_[0].astype(np.float32).tolist(),
                support_vectors=model.support_vectors_.astype(np.float32).reshape(-1).tolist(),
                rho=model.intercept_.astype(np.float32).tolist(), kernel_params=[float(model._gamma), 0.0, 0.0],
                post_transform="NONE")
    g.add("Identity", raw, out="logit")


def mlp(g, x, model):
    (w1, w2), (b1, b2) = model.coefs_, model.intercepts_
    hidden = g.add("Tanh", g.add("Gemm", x, g.f32(w1), g.f32(b1)))
    g.add("Gemm", hidden, g.f32(w2), g.f32(b2), out="logit")
