"""Do customers speak for the firm: referrals and reviews, and whether promoters keep their word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from cxkit.errors import QuestionError
from cxkit.metrics.answers import check_level, need_columns, read_scale
from cxkit.metrics.proportions import share
from cxkit.results import Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What is counted, by the name of its column.
ACTS = {"referred": "Referred somebody", "review": "Wrote a review"}


def advocacy(
    frame: pd.DataFrame,
    *,
    acts: Mapping[str, str] = ACTS,
    nps: str | None = "nps",
    detractor: int = 6,
    promoter: int = 9,
    counts: str | None = None,
    clusters: str | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return the shares who refer and review, among all and among promoters and detractors.

    Question: do customers recommend us, and do promoters do what they say? Interval: Wilson; by
    cluster with t.

    Parameters
    ----------
    frame : DataFrame
        One row per answer or customer, or per pattern with ``counts``.
    acts : mapping of column to name
        Columns of yes and no, and what each is called where it is shown; by default ``referred``
        and ``review``.
    nps : str or None, default "nps"
        Column of the likelihood to recommend, 0 to 10; None looks at all customers only.
    detractor, promoter : int, default 6 and 9
        A detractor answers ``detractor`` or less, a promoter ``promoter`` or more.
    counts, clusters : str, optional
        Columns: how many people a row stands for, and who answered; see :func:`share`.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    DataFrame
        One row per act and group: ``act`` (the column), ``among`` ("all", "promoters", "passives",
        "detractors", "no score"), then the fields of an Estimate, in percent. A column that is not
        there gives a row with the status "no data".

    Raises
    ------
    ColumnError
        The column ``nps`` is not in the frame.
    ScaleError
        A score is not from 0 to 10, or an act is neither yes nor no.
    QuestionError
        The cuts do not split the scale, or no act is named.

    Notes
    -----
    Each is a share of the group whose answer on the act is known. What people did is seen here
    against what they said they would do. It must be known in the same way for all: a firm that
    only learns of the referrals that succeeded sees too few, and promoters who were asked to refer
    are not promoters who did so by themselves. The groups are different people, so
    :func:`difference` may compare them.

    References
    ----------
    Kumar, V., Petersen, J. A. and Leone, R. P. (2007). How valuable is word of mouth? Harvard
    Business Review 85(10), 139-146.

    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    Journal of the American Statistical Association 22(158), 209-212.
    doi:10.1080/01621459.1927.10502953

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"nps": [10, 9, 9, 7, 3], "referred": [1, 0, 1, 1, 0]})
    >>> cx.advocacy(frame, acts={"referred": "Referred"})[["among", "value", "n"]].round(1)
            among  value  n
    0         all   60.0  5
    1   promoters   66.7  3
    2    passives  100.0  1
    3  detractors    0.0  1
    """
    level = check_level(level)
    if not acts:
        raise QuestionError(
            'advocacy: no act is named.\n  Write e.g. acts={"referred": "Referred somebody"}.'
        )
    special = [name for name in (counts, clusters) if name is not None]
    need_columns(frame, [*([nps] if nps is not None else []), *special], asked="advocacy")
    groups = {"all": pd.Series(data=True, index=frame.index)}
    if nps is not None:
        groups |= _groups(frame, nps, detractor, promoter)
    rows = []
    for act, name in acts.items():
        for among, which in groups.items():
            part = frame[which.to_numpy(bool)]
            there = act in frame.columns
            found = share(
                part[act] if there else pd.Series([], dtype="boolean"),
                metric=name,
                counts=part[counts] if counts is not None and there else None,
                clusters=part[clusters] if clusters is not None and there else None,
                level=level,
            ).as_row()
            if not there:
                found["reason"] = f"The data have no column {act}: it was not recorded."
            rows.append({"act": act, "among": among, **found})
    numbers = dict.fromkeys(("value", "low", "high", "se"), float)
    columns = ["act", "among", *Estimate.__dataclass_fields__]
    return pd.DataFrame(rows, columns=columns).astype(numbers)


def _groups(frame: pd.DataFrame, nps: str, detractor: int, promoter: int) -> dict[str, pd.Series]:
    """Return who is a promoter, a passive, a detractor, and who gave no score."""
    if not 0 <= detractor < promoter <= 10:
        raise QuestionError(
            f"advocacy: detractors up to {detractor} and promoters from {promoter} do not split 0 "
            "to 10.\n  The usual cuts are 6 and 9."
        )
    values, missing = read_scale(frame[nps], scale=(0, 10), asked="advocacy")
    score = pd.Series(values, index=frame.index)
    found = {
        "promoters": score >= promoter,
        "passives": (score > detractor) & (score < promoter),
        "detractors": score <= detractor,
    }
    if missing.any():
        found["no score"] = pd.Series(missing, index=frame.index)
    return found
