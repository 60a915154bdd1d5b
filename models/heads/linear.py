"""Fit the two linear classifiers of a head with scikit-learn.

In: vectors or sparse rows with label positions. Out: weights and a bias for each label. Imports scikit-learn inside the
functions (extra `torch`).

Of what was tried on banking77 and hwu64 (a part of train, vectors of the untuned encoder): on vectors, logistic
regression beats ridge regression by 4 to 7 points, and joined with n-grams Nyström features of an RBF kernel too; on
n-grams, support vectors beat logistic regression by 1 point and are five times as fast; both joined beat either by 2.
"""

import warnings
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from contracts.errors import MissingExtra
from models.heads.ngrams import SparseRows
from models.protocols import FloatArray

Positions = npt.NDArray[np.int64]
ROUNDS = 80
TOLERANCE = 1e-6
SPARSE_TOLERANCE = 1e-3
SPARSE_ROUNDS = 300
LEAST_SPREAD = 1e-4
# The score of a label without an example in what is fitted: in some folds, a rare one.
ABSENT = -10.0


class Linear(NamedTuple):
    """Hold `weights` [inputs, labels] and `bias` [labels], both float32."""

    weights: FloatArray
    bias: FloatArray


def check_installed() -> None:
    """Raise `MissingExtra` where scikit-learn is not installed: better before the encoder has run than after."""
    try:
        import sklearn  # noqa: F401  only whether it is there
    except ImportError as error:
        raise MissingExtra(
            "fitting a head needs scikit-learn, which is not installed; install it with: pip install 'hubbub[torch]'"
        ) from error


def fit_dense(pooled: FloatArray, true: Positions, *, labels: int, strength: float) -> Linear:
    """Return a multinomial logistic regression on vectors, whose mean and spread are folded into the weights.

    Weights are rounded to float16, as they are stored, before the bias is made of them.
    """
    from sklearn.linear_model import LogisticRegression

    mean, spread = pooled.mean(axis=0), pooled.std(axis=0)
    spread = np.maximum(spread, LEAST_SPREAD) * np.float32(np.sqrt(pooled.shape[1]))
    present = np.unique(true)
    if len(present) < 2:
        return _only(present, inputs=pooled.shape[1], labels=labels)
    model = LogisticRegression(C=strength, max_iter=ROUNDS, tol=TOLERANCE)
    _quietly(model, (pooled - mean) / spread, true=true)
    own = model.coef_ if len(present) > 2 else np.vstack([0 * model.coef_, model.coef_])
    bias = model.intercept_ if len(present) > 2 else np.append(0.0, model.intercept_)
    weights = np.zeros((pooled.shape[1], labels), np.float32)
    weights[:, present] = own.T / spread[:, None]
    weights = weights.astype(np.float16).astype(np.float32)
    biases = np.full(labels, ABSENT, np.float32)
    biases[present] = bias - mean @ weights[:, present]
    return Linear(weights, biases)


def fit_sparse(matrix: Any, true: Positions, *, labels: int, strength: float) -> Linear:
    """Return one linear support vector machine a label, each against all others, on a `sparse_matrix`."""
    from sklearn.svm import LinearSVC

    present = np.unique(true)
    if len(present) < 2 or not matrix.shape[1]:
        return _only(present, inputs=matrix.shape[1], labels=labels)
    model = LinearSVC(C=strength, tol=SPARSE_TOLERANCE, max_iter=SPARSE_ROUNDS, random_state=0)
    _quietly(model, matrix, true=true)
    own = model.coef_ if len(present) > 2 else np.vstack([-model.coef_, model.coef_])
    bias = model.intercept_ if len(present) > 2 else np.append(-model.intercept_, model.intercept_)
    weights = np.zeros((matrix.shape[1], labels), np.float32)
    weights[:, present] = own.T
    biases = np.full(labels, ABSENT, np.float32)
    biases[present] = bias
    return Linear(weights, biases)


def sparse_matrix(rows: SparseRows, *, width: int) -> Any:
    """Return sparse rows as scikit-learn reads them (its own way to build them: scipy is not ours to import)."""
    from sklearn.feature_extraction.text import CountVectorizer

    if not width:
        return np.zeros((len(rows.starts) - 1, 0), np.float32)
    starts, columns = rows.starts.tolist(), rows.columns.tolist()
    counter = CountVectorizer(
        analyzer=lambda row: columns[starts[row] : starts[row + 1]],
        vocabulary={column: column for column in range(width)},
        dtype=np.float64,
    )
    matrix = counter.transform(range(len(starts) - 1))
    matrix.sort_indices()
    matrix.data = rows.weights.astype(np.float64)
    return matrix


def _only(present: Positions, *, inputs: int, labels: int) -> Linear:
    """Return what always says the same: all that one label, or no feature, teaches."""
    bias = np.full(labels, ABSENT, np.float32)
    bias[present] = 0.0
    return Linear(np.zeros((inputs, labels), np.float32), bias)


def _quietly(model: Any, inputs: Any, *, true: Positions) -> None:
    """Fit; the rounds are few on purpose (stopping early holds back like a stronger prior).

    Many labels with few examples each are as they should be, too.
    """
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        model.fit(inputs, true)
