"""Boosted trees by scikit-learn, written as ONNX: a candidate with `trainer: command` and `rows: csv`.

All inputs are numbers here. Needs numpy, scikit-learn and onnx.
"""
import csv
import json
import os
import pathlib

import numpy as np
from onnx import TensorProto, helper, save
from sklearn.ensemble import GradientBoostingRegressor

folder = pathlib.Path(os.environ["ROUNDHOUSE_TRAIN"])
request = json.loads((folder / "request.json").read_text())
names = [one["name"] for one in request["inputs"]]
with open(folder / request["rows"]["file"], newline="", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
x = np.array([[float(row[name] or "nan") for name in names] for row in rows], np.float32)
y = np.array([float(row[request["target"]]) for row in rows])
fill = np.nan_to_num(np.nanmedian(x, axis=0)).astype(np.float32)
x = np.where(np.isnan(x), fill, x)

params = request["params"]
trees = GradientBoostingRegressor(
    n_estimators=int(params.get("trees", 200)),
    max_depth=int(params.get("depth", 6)),
    learning_rate=float(params.get("learning_rate", 0.1)),
    random_state=request["seed"],
)
curve = []


def told(step, model, _locals):
    curve.append(float(model.train_score_[step]))
    if (step + 1) % 20 == 0:
        print(f"tree {step + 1}/{model.n_estimators}", flush=True)


trees.fit(x, y, monitor=told)

# Thresholds are rounded down to float32: the inputs are float32, so that no row changes its side.
nodes = {key: [] for key in ("tree", "node", "feature", "value", "mode", "yes", "no")}
leaves = {key: [] for key in ("tree", "node", "weight")}
for tree_id, estimator in enumerate(trees.estimators_[:, 0]):
    tree = estimator.tree_
    for node in range(tree.node_count):
        leaf = tree.children_left[node] == -1
        threshold = np.float32(tree.threshold[node])
        if threshold > tree.threshold[node]:
            threshold = np.nextafter(threshold, np.float32(-np.inf))
        nodes["tree"].append(tree_id)
        nodes["node"].append(node)
        nodes["feature"].append(0 if leaf else int(tree.feature[node]))
        nodes["value"].append(0.0 if leaf else float(threshold))
        nodes["mode"].append("LEAF" if leaf else "BRANCH_LEQ")
        nodes["yes"].append(0 if leaf else int(tree.children_left[node]))
        nodes["no"].append(0 if leaf else int(tree.children_right[node]))
        if leaf:
            leaves["tree"].append(tree_id)
            leaves["node"].append(node)
            leaves["weight"].append(float(tree.value[node, 0, 0]) * trees.learning_rate)

graph = helper.make_graph(
    [
        helper.make_node(
            "Imputer", ["X"], ["filled"], domain="ai.onnx.ml",
            imputed_value_floats=fill.tolist(), replaced_value_float=float("nan"),
        ),
        helper.make_node(
            "TreeEnsembleRegressor", ["filled"], ["variable"], domain="ai.onnx.ml", n_targets=1,
            base_values=[float(np.ravel(trees.init_.constant_)[0])],
            nodes_treeids=nodes["tree"], nodes_nodeids=nodes["node"], nodes_featureids=nodes["feature"],
            nodes_values=nodes["value"], nodes_modes=nodes["mode"],
            nodes_truenodeids=nodes["yes"], nodes_falsenodeids=nodes["no"],
            target_treeids=leaves["tree"], target_nodeids=leaves["node"],
            target_ids=[0] * len(leaves["tree"]), target_weights=leaves["weight"],
        ),
    ],
    "trees",
    [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, len(names)])],
    [helper.make_tensor_value_info("variable", TensorProto.FLOAT, [None, 1])],
)
model = helper.make_model(
    graph, ir_version=8,
    opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)],
)
save(model, str(folder / "model.onnx"))
predictions = trees.predict(x[:1000]).tolist()
(folder / "report.json").write_text(json.dumps({"curve": curve, "predictions": predictions}))
