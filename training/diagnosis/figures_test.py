"""The figures against scikit-learn and against cases worked out by hand."""
import unittest

import numpy as np
from sklearn.metrics import roc_auc_score

import figures
import outliers


class Figures(unittest.TestCase):
    def test_auc_is_scikit_learn_s_with_ties(self):
        rng = np.random.default_rng(1)
        y, score = rng.integers(0, 2, 300), rng.integers(0, 20, 300)
        self.assertAlmostEqual(figures.auc(y, score), roc_auc_score(y, score), 12)

    def test_calibration_error_weighs_bins_by_their_share(self):
        self.assertAlmostEqual(figures.ece([1, 1, 1, 0], [0.95, 0.95, 0.95, 0.25]), 0.75 * 0.05 + 0.25 * 0.25)
        self.assertAlmostEqual(figures.ece([1, 0], [1.0, 0.0]), 0)

    def test_platt_scaling_finds_the_scale_and_shift_that_made_the_labels(self):
        rng = np.random.default_rng(2)
        logit = rng.normal(0, 2, 20000)
        y = rng.random(20000) < figures.sigmoid(0.5 * logit - 1)
        a, b = figures.platt(y, logit)
        self.assertAlmostEqual(a, 0.5, 1)
        self.assertAlmostEqual(b, -1.0, 1)

    def test_the_best_threshold_separates_what_can_be_separated(self):
        y, p = np.array([0, 0, 1, 1]), np.array([0.1, 0.3, 0.7, 0.9])
        self.assertAlmostEqual(figures.best_threshold(y, p), 0.5)

    def test_an_interval_holds_the_figure_and_narrows_with_more_rows(self):
        rng = np.random.default_rng(3)
        few, many = rng.random(50) < 0.8, rng.random(5000) < 0.8
        (a, b), (c, d) = figures.interval(np.mean, few, rounds=300), figures.interval(np.mean, many, rounds=300)
        self.assertTrue(a < few.mean() < b and c < many.mean() < d and d - c < b - a)

    def test_outliers_are_the_same_for_the_same_seed_and_stay_in_range(self):
        films = np.random.default_rng(4).random((5, 28, 28)).astype(np.float32)
        once, again = outliers.make(films, 60, 5), outliers.make(films, 60, 5)
        np.testing.assert_array_equal(once, again)
        self.assertTrue(once.min() >= 0 and once.max() <= 1 and np.abs(once - outliers.make(films, 60, 6)).max() > 0)


if __name__ == "__main__":
    unittest.main()
