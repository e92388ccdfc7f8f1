"""Writes statistics.json: values of scikit-learn and scipy that our statistics are tested against.

Run with scikit-learn 1.2.1 and scipy 1.10.1 (Debian 12: python3-sklearn, python3-scipy).
"""
import json
import pathlib

import numpy as np
from scipy import stats
from sklearn import metrics

rng = np.random.default_rng(7)


def regression(rows, offset):
    actual = np.round(rng.gamma(2, 40, rows), 6) + offset
    predicted = np.round(actual + rng.normal(3, 25, rows), 6)
    return {
        "actual": actual.tolist(),
        "predicted": predicted.tolist(),
        "mae": metrics.mean_absolute_error(actual, predicted),
        "rmse": float(np.sqrt(metrics.mean_squared_error(actual, predicted))),
        "r2": metrics.r2_score(actual, predicted),
        "bias": float(np.mean(predicted - actual)),
    }


def classes(rows, width, decimals):
    actual = rng.integers(0, width, rows)
    logits = rng.normal(0, 1, (rows, width))
    logits[np.arange(rows), actual] += 1
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    # Few decimals make ties, which decide AUC's edge cases.
    probabilities = np.round(probabilities, decimals) + 1e-3
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(axis=1)
    binary = width == 2
    return {
        "actual": actual.tolist(),
        "probabilities": probabilities.ravel().tolist(),
        "width": width,
        "positive": 1 if binary else None,
        "accuracy": metrics.accuracy_score(actual, predicted),
        "log_loss": metrics.log_loss(actual, probabilities),
        "auc": metrics.roc_auc_score(actual, probabilities[:, 1])
        if binary
        else metrics.roc_auc_score(actual, probabilities, multi_class="ovr", average="macro"),
        "f1": metrics.f1_score(actual, predicted, average="binary" if binary else "macro"),
    }


def kolmogorov_smirnov(reference, current):
    result = stats.ks_2samp(reference, current, method="asymp")
    return {
        "reference": np.asarray(reference).tolist(),
        "current": np.asarray(current).tolist(),
        "statistic": float(result.statistic),
    }


def benjamini_hochberg(values):
    """scipy 1.10 has no false_discovery_control: the definition, written out."""
    values = np.asarray(values)
    order = np.argsort(values)
    adjusted = np.empty(len(values))
    least = 1.0
    for rank in range(len(values), 0, -1):
        least = min(least, values[order[rank - 1]] * len(values) / rank)
        adjusted[order[rank - 1]] = least
    return {"p": values.tolist(), "adjusted": adjusted.tolist()}


def student_quantile(p, df):
    """t.ppf is off by up to 5e-9 in scipy 1.10: two Newton steps on t.cdf bring it to full precision."""
    x = stats.t.ppf(p, df)
    for _ in range(2):
        x -= (stats.t.cdf(x, df) - p) / stats.t.pdf(x, df)
    return float(x)


def xoshiro128starstar(state, count):
    """Blackman & Vigna's generator on plain integers, written from the paper."""
    mask = 2**32 - 1
    rotate = lambda x, k: ((x << k) | (x >> (32 - k))) & mask
    s = list(state)
    values = []
    for _ in range(count):
        values.append(rotate(s[1] * 5 & mask, 7) * 9 & mask)
        shifted = s[1] << 9 & mask
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= shifted
        s[3] = rotate(s[3], 11)
    return values


reference = {
    "xoshiro": {"state": [1, 2, 3, 4], "values": xoshiro128starstar([1, 2, 3, 4], 12)},
    "regression": [regression(50, 0), regression(200, 1e6)],
    "classes": [classes(60, 2, 6), classes(80, 2, 1), classes(120, 4, 2)],
    "distances": [
        kolmogorov_smirnov(rng.normal(0, 1, 80), rng.normal(0.4, 1.2, 60)),
        kolmogorov_smirnov(rng.integers(0, 4, 100), rng.integers(0, 5, 70)),
        kolmogorov_smirnov([0] * 40 + [1], [0] * 30 + [1, 2, 3]),
    ],
    "normal": [
        {"x": x, "cdf": float(stats.norm.cdf(x))} for x in (-6, -3.2, -1.96, -0.5, 0, 0.3, 1, 2.5, 5)
    ],
    "student": [
        {"p": p, "df": df, "quantile": student_quantile(p, df)}
        for p in (0.6, 0.9, 0.975, 0.995, 0.9999)
        for df in (1, 2, 5, 19, 27, 400)
    ],
    "quantiles": [
        {"values": (v := rng.normal(0, 1, 37)).tolist(), "q": q, "quantile": float(np.quantile(v, q))}
        for q in (0, 0.025, 0.5, 0.333, 0.975, 1)
    ],
    "false_discovery": [benjamini_hochberg([0.01, 0.04, 0.03, 0.2, 0.9]), benjamini_hochberg([0.001, 0.001, 0.5])],
}
path = pathlib.Path(__file__).with_name("statistics.json")
path.write_text(json.dumps(reference) + "\n")
