"""Both notebooks in JupyterLab, in a browser, as a researcher runs them: open, run all, read."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from cxkit.results import ANSWER_MIME

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ["retention_vs_experience.ipynb", "engagement_correlation.ipynb"]

CONFIG = """
c = get_config()
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.port = {port}
c.ServerApp.port_retries = 0
c.ServerApp.open_browser = False
c.ServerApp.allow_root = True
c.ServerApp.root_dir = {root!r}
c.ServerApp.password = ""
c.ServerApp.disable_check_xsrf = True
c.IdentityProvider.token = ""
c.LabApp.expose_app_in_browser = True
c.LabApp.workspaces_dir = {workspaces!r}
c.LabApp.app_settings_dir = {settings!r}
"""
NO_NEWS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}
}

OPEN = "path => jupyterapp.commands.execute('docmanager:open', {path}).then(() => true)"

IN_FRONT = "path => jupyterapp.shell.currentWidget?.context?.path === path"

RUN_ALL = """async () => {
  const panel = jupyterapp.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
  return await jupyterapp.commands.execute("notebook:run-all-cells");
}"""

CODE_CELLS = """() => [...jupyterapp.shell.currentWidget.content.model.cells]
  .filter(c => c.type === "code")
  .map(c => ({count: c.executionCount, outputs: c.toJSON().outputs}))"""

WHICH_PYTHON = """async () => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const asked = {code: "", user_expressions: {prefix: "__import__('sys').prefix"}};
  const reply = await kernel.requestExecute(asked).done;
  return reply.content.user_expressions.prefix.data["text/plain"];
}"""

SHUT_DOWN = "async () => await jupyterapp.shell.currentWidget.sessionContext.shutdown()"


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:  # noqa: S310 - our own server
            return reply.status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def lab(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab started in a folder that has nothing to do with the notebooks.

    It works on a copy of them, so that running one cannot put outputs into the tree.
    """
    folder = tmp_path_factory.mktemp("lab")
    elsewhere = folder / "elsewhere"
    for made in (elsewhere, folder / "workspaces", folder / "settings"):
        made.mkdir()
    shutil.copytree(ROOT / "notebooks", folder / "kit" / "notebooks")
    (folder / "settings" / "overrides.json").write_text(json.dumps(NO_NEWS), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "jupyter_server_config.py"
    config.write_text(
        CONFIG.format(
            port=port,
            root=str(folder / "kit"),
            workspaces=str(folder / "workspaces"),
            settings=str(folder / "settings"),
        ),
        encoding="utf-8",
    )
    private = {f"JUPYTER_{n}_DIR": str(folder / n.lower()) for n in ("CONFIG", "DATA", "RUNTIME")}
    log = (folder / "lab.log").open("w+", encoding="utf-8")
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--config", str(config)],
        cwd=elsewhere,
        env={**os.environ, **private, "IPYTHONDIR": str(folder / "ipython")},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        patience = time.monotonic() + 60
        while not answers(f"{address}/api/status"):
            if server.poll() is not None or time.monotonic() > patience:
                log.seek(0)
                pytest.fail(f"JupyterLab did not start:\n{log.read()[-3000:]}")
            time.sleep(0.3)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()


@pytest.fixture(scope="module")
def window(browser: Browser, lab: str) -> Iterator[tuple[Page, list[str]]]:
    """JupyterLab opened in a browser, and every address that it asks for."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    page.goto(f"{lab}/lab/tree/notebooks?reset")
    page.wait_for_function("() => window.jupyterapp?.shell", timeout=60_000)
    page.evaluate("() => jupyterapp.restored")
    yield page, asked
    page.close()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_top_to_bottom_in_jupyterlab(
    window: tuple[Page, list[str]], lab: str, name: str
) -> None:
    page, asked = window
    page.evaluate(OPEN, f"notebooks/{name}")
    page.wait_for_function(IN_FRONT, arg=f"notebooks/{name}", timeout=60_000)
    ran = page.evaluate(RUN_ALL)
    cells = page.evaluate(CODE_CELLS)

    errors = [
        re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(o["traceback"]))[-1500:]
        for c in cells
        for o in c["outputs"]
        if o["output_type"] == "error"
    ]
    assert not errors, errors[0]
    assert ran
    assert [c["count"] for c in cells] == list(range(1, len(cells) + 1))

    shown = [o.get("data", {}) for c in cells for o in c["outputs"]]
    (answer,) = [data[ANSWER_MIME] for data in shown if ANSWER_MIME in data]
    headline = page.locator(".jp-OutputArea .cx-headline", has_text=answer["headline"]).first
    headline.scroll_into_view_if_needed()
    assert headline.is_visible()

    assert Path(page.evaluate(WHICH_PYTHON).strip("'\"")).samefile(sys.prefix)
    assert not [u for u in asked if not u.startswith((lab, "data:", "blob:"))]
    page.evaluate(SHUT_DOWN)
