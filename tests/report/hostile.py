"""One notebook in which everything that data and authors can name is hostile, run for real.

Each payload says where it stands. ``ran`` would be set in the page if any of them ran, and
``evil.example`` would be asked for something if any of them were fetched.
"""

import json
from pathlib import Path

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
