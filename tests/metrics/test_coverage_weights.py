"""Intervals under weights and by cluster hold the truth; 2,000 runs of each are in tests/verify."""

import numpy as np
import pytest
from scipy.stats import binom

import cxkit as cx
from tests.verify.coverage_weights import answers, clustered_once, coverage, truth, weighted_once

RUNS = 100

#: 93 to 97 % in truth lies outside these once in 500 times.
LOWEST, HIGHEST = binom.ppf(0.001, RUNS, 0.93) / RUNS, binom.ppf(0.999, RUNS, 0.97) / RUNS


@pytest.mark.parametrize("setting", [("post-stratified", 150), ("raked", 150)], ids=str)
def test_intervals_under_weights(setting):
    for covered in coverage(weighted_once, setting, RUNS).values():
        assert LOWEST <= covered <= HIGHEST


@pytest.mark.parametrize("setting", [(30, 6, 0.8), (100, 4, 0.3)], ids=str)
def test_intervals_by_cluster(setting):
    for covered in coverage(clustered_once, setting, RUNS).values():
        assert LOWEST <= covered <= HIGHEST


def test_without_weights_the_same_answers_miss_the_truth():
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(50):
        found = cx.nps(answers(rng, 2000)["score"])
        held += found.low <= truth("nps") <= found.high
    assert held < 10
