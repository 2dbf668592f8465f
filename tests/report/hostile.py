"""One notebook in which everything that data and authors can name is hostile, run for real.

Each payload says where it stands. ``ran`` would be set in the page if any of them ran, and
``evil.example`` would be asked for something if any of them were fetched.
"""

import csv
import json
from pathlib import Path

import yaml

import cxkit as cx
from cxkit.report.make import Report, make, prepare
from tests.report import made

CELL = {
    "markdown": r"""# Why {P}?

[a link](javascript:window.ran=1) <a href="javascript:window.ran=1">another</a>
[data](data:text/html,<script>window.ran=1</script>) ![x](http://evil.example/md.png)
[ref][r] <http://evil.example/auto> {P}
<style>@import url(http://evil.example/a.css); p {{ background: url(//evil.example/b) }}</style>

[r]: javascript:window.ran=1

## A part {P}

| a {P} | b |
|---|---|
| {P} | `{P}` |

$\href{{javascript:window.ran=1}}{{x}}$
<details open ontoggle="window.ran=1"><summary>s</summary></details>""",
    "parameters": "level = 0.95  # confidence level {P}; one of: 0.95, {P}\nsegment = {R}  # {P}",
    "names": """import pandas as pd
import cxkit as cx
from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display
P = {R}
df = pd.DataFrame({{P: [P, "b", "c"], "nps": [9, 3, 10]}}, index=pd.Index([P, "x", "y"], name=P))
df.columns.name = P
df""",
    "a styled table": """styled = df.style.set_caption(P).set_table_attributes(f'onclick="{{P}}"')
styled.set_tooltips(pd.DataFrame({{P: ["</style>" + P, "", ""]}}, index=df.index))""",
    "what an author displays": """
display(HTML(df.to_html(escape=False)), HTML(f'<p title="{{P}}">t</p>'))
display(HTML(f"<a href='javascript:window.ran=1' onclick=window.ran=1>{{P}}</a>"), HTML(P))
display(Markdown(f"## {{P}} [a](javascript:window.ran=1)"), Javascript("window.ran = 1"))
display(Latex(f"$$ {{P}} $$"))
display(SVG('<svg xmlns="http://www.w3.org/2000/svg" onload="window.ran=1">'
    '<script>window.ran=1</script><a href="javascript:window.ran=1"><text>a</text></a></svg>'))""",
    "model summaries": """import numpy as np, statsmodels.api as sm, warnings
warnings.simplefilter("ignore")
x = pd.DataFrame({{P: np.arange(30.0), "const": 1.0}})
y = pd.Series(np.random.default_rng(1).normal(size=30), name=P)
fit = sm.OLS(y, x).fit()
display(fit.summary(), fit.summary2())""",
    "printed": """import sys
print(P, "\\x1b[31m" + P); print(P, file=sys.stderr); display(P, repr(df))""",
    "charts that bring script": """for mime in ("vegalite.v5+json", "plotly.v1+json"):
    both = {{f"application/vnd.{{mime}}": {{"title": P}}, "text/html": f"<div id=v></div>{{P}}"}}
    display(both, raw=True)
display({{"application/javascript": "window.ran = 1", "text/plain": P}}, raw=True)""",
    "a drawing": """import io, matplotlib; from matplotlib.figure import Figure
matplotlib.rcParams["svg.fonttype"] = "none"
fig = Figure(); ax = fig.add_subplot(title=P, xlabel=P); ax.plot([1, 2], gid=P)
for text in [ax.title]: text.set_url("javascript:window.ran=1")
buffer = io.StringIO(); fig.savefig(buffer, format="svg")
display({{"image/svg+xml": buffer.getvalue()}}, raw=True)""",
    "the kit's own": """
from cxkit.results import (Answer, Estimate, Guard, Note, Picture, Section, Table,
    guards_table)
one = Estimate(metric=P, measured_in=P, value=1, low=0, high=2, se=None, level=0.95, n=3,
    n_missing=0, method=P, reason=P)
table = Table(frame=df, shown=df.reset_index(drop=True), caption=P)
formulas = pd.DataFrame({{"=1+1": ["=HYPERLINK(1)", "+1", "@a", P], "n": [-1, 2, 3, 4]}})
picture = Picture(data=buffer.getvalue().encode(), mime="image/svg+xml", alt='"' + P, caption=P,
    table=formulas)
guards = guards_table([Guard(kind=P, fired=True, text=P)])
display(one, table, picture, Note(paragraphs=(P,)), guards)
display(Section(parts=(table,)), Answer(question=P, headline=P, sentences=(P,), how_sure=P, doubt=P,
    estimate=one))
cx.by(df.rename(columns={{P: "who"}}), "who", cx.nps, column="nps")""",
    "the end": """
said = "application/vnd.cxkit.provenance+json"
display({{"text/plain": "end", "text/html": P, said: {{
    "parameters": {{"level": level, "segment": segment}}, "study": P, "as_of": P}}}}, raw=True)""",
}
PAYLOAD = (
    "<img src=x onerror=window.ran=1><script>window.ran=1</script>"
    "<img src=http://evil.example/data.png><svg onload=window.ran=1>"
)
#: Names that would lead out of the folder, or mean something to a shell or a browser.
TRAVERSALS = ("../up", "..", "a/b", "/etc/x", "a\\b", "x\0", "C:x", "~x", "-x", ".x", "<b>", "")


def cells(payload: str) -> list[made.Cell]:
    """The cells of the hostile notebook."""
    kinds = {"markdown": "markdown", "parameters": "parameters"}
    return [
        (kinds.get(what, "code"), source.format(P=payload, R=repr(payload)))
        for what, source in CELL.items()
    ]


def write(folder: Path) -> Path:
    """Write the hostile notebook; its title and its file's name are hostile too."""
    content = made.content(*cells(PAYLOAD))
    content["metadata"] = {"title": PAYLOAD, "language_info": {"pygments_lexer": PAYLOAD}}
    path = folder / "<img src=x onerror=window.ran=1>.ipynb"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def build(folder: Path) -> Report:
    """Make the report of the hostile notebook, with a hostile parameter."""
    out = folder / "out"
    out.mkdir()
    job = prepare(write(folder), {"segment": f"{PAYLOAD}{PAYLOAD}"}, name="hostile")
    return make(job, out=out, cwd=folder)


#: What stands in front of every name and value of the hostile study, one after the other.
WORDS = (
    PAYLOAD,
    "=HYPERLINK(1)",
    "[a](javascript:window.ran=1) ![x](http://evil.example/md.png) ",
    "</title></style></script><script>window.ran=1</script>",
    "\" onmouseover=window.ran=1 x='",
    "@a | ## b `c` $\\href{javascript:window.ran=1}{x}$ ",
    "{{ 7 * 7 }} {% raw %} ",
)
NOTEBOOKS = ("retention_vs_experience", "engagement_correlation")
#: Columns that hold a firm's own words; each of them gets another name besides.
OWN_WORDS = {
    "customers": ["region", "segment", "plan", "left_because"],
    "responses": ["touchpoint", "mode", "comment"],
    "staff": ["pay_band"],
    "units": ["branch_name", "region", "size"],
    "unit_scores": ["questionnaire"],
}


def study(folder: Path) -> Path:
    """Write a small firm whose every name and word is hostile; return its study.yml."""
    cx.simulate_firm(folder, seed=7, branches=40, customers=1500)
    path = folder / "study.yml"
    contract = yaml.safe_load(path.read_text(encoding="utf-8"))
    contract["study"] = PAYLOAD
    for table, columns in OWN_WORDS.items():
        names = {c: _worded(c, i) for i, c in enumerate(columns)}
        contract[table] = _renamed(contract[table], names)
        _rewrite(folder / f"{table}.csv", names)
    items = contract["engagement"]["items"]
    contract["engagement"]["items"] = {_worded(n, i): v for i, (n, v) in enumerate(items.items())}
    for table in ("customers", "responses", "tickets", "engagement", "staff", "units"):
        _rewrite(folder / f"{table}.csv", {}, also="branch")
    _rewrite(folder / "unit_scores.csv", {}, also="branch")
    _rewrite(folder / "engagement.csv", {}, also="wave")
    path.write_text(yaml.safe_dump(contract, allow_unicode=True), encoding="utf-8")
    return path


def _worded(name: str, number: int) -> str:
    """Return a name with hostile words before it."""
    return f"{WORDS[number % len(WORDS)]}{name}"


def _renamed(value: object, names: dict[str, str]) -> object:
    """Return a part of a contract with some columns under other names."""
    if isinstance(value, dict):
        return {role: _renamed(v, names) for role, v in value.items()}
    if isinstance(value, list):
        return [_renamed(v, names) for v in value]
    return names.get(value, value) if isinstance(value, str) else value


def _rewrite(path: Path, names: dict[str, str], *, also: str = "") -> None:
    """Put hostile words before the values of some columns, and give the columns their names."""
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    hostile: dict[str, str] = {}
    for i, column in enumerate(head):
        for row in rows if column in names or column == also else ():
            if row[i]:
                row[i] = hostile.setdefault(row[i], _worded(row[i], len(hostile)))
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([[names.get(c, c) for c in head], *rows])


def build_real(folder: Path) -> list[Report]:
    """Make the report of each real notebook on the hostile study, with all its sections."""
    chosen = {"study": str(study(folder / "firm"))}
    out = folder / "out"
    out.mkdir()
    reports = []
    for name in NOTEBOOKS:
        notebook = Path(cx.__file__).parents[1] / "notebooks" / f"{name}.ipynb"
        more = {"depth": "full"} if name == NOTEBOOKS[0] else {}
        reports.append(make(prepare(notebook, chosen | more, name=name), out=out, cwd=folder))
    return reports
