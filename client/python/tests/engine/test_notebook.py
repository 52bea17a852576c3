"""The executor in a real notebook: cells run by a Jupyter kernel, what they show is what a user sees."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook

from burst_compute import BurstClient

SETUP = """
import asyncio, json, os
from burst_compute import BurstClient, BurstExecutor
from pricing import price
client = BurstClient(address=json.loads(os.environ["BURST_TEST_ADDRESSES"])["Calls"])
executor = BurstExecutor(client)
executor
"""


class Notebook:
    """One kernel; cells are run one after the other."""

    def __init__(self) -> None:
        self.client = NotebookClient(new_notebook(), timeout=120, kernel_name="python3")  # type: ignore[no-untyped-call]
        self.count = 0

    def run(self, source: str) -> list[Any]:
        """What the cell shows."""
        cell = new_code_cell(source)  # type: ignore[no-untyped-call]
        self.client.nb.cells.append(cell)
        self.count += 1
        try:
            self.client.execute_cell(cell, self.count - 1)
        except CellExecutionError:
            pass  # its output says so
        return list(cell.outputs)

    def value(self, source: str) -> str:
        outputs = self.run(source)
        assert outputs[-1].output_type == "execute_result", outputs
        return str(outputs[-1].data["text/plain"])

    def error(self, source: str) -> str:
        outputs = self.run(source)
        assert outputs[-1].output_type == "error", outputs
        return re.sub(r"\x1b\[[\d;]*m", "", "\n".join(outputs[-1].traceback))

    def bar(self, outputs: list[Any]) -> dict[str, Any]:
        """The state of the one bar that a cell shows, as the browser would have it."""
        models = self.client.widget_state
        [box] = [output.data["application/vnd.jupyter.widget-view+json"]["model_id"] for output in outputs if output.output_type == "display_data"]
        [bar] = [models[child.removeprefix("IPY_MODEL_")] for child in models[box]["children"] if "max" in models[child.removeprefix("IPY_MODEL_")]]
        return {"of": bar["max"], "at": bar["value"], "style": bar["bar_style"]}


@pytest.fixture(scope="module")
def notebook() -> Iterator[Notebook]:
    made = Notebook()
    with made.client.setup_kernel():
        assert re.fullmatch(r"<BurstExecutor on <BurstClient of arn:aws:states:\S+>: 0 jobs started, 0 calls waiting>", made.value(SETUP))
        yield made


def test_map_shows_a_bar_in_its_cell_and_a_cell_can_be_run_again(notebook: Notebook) -> None:
    cell = "list(executor.map(price, [100.0, 120.0, 90.0], chunksize=2))"
    first = notebook.run(cell)
    again = notebook.run(cell)
    for outputs in (first, again):
        assert [output.output_type for output in outputs] == ["display_data", "execute_result"]
        assert outputs[1].data["text/plain"] == "[105.0, 126.0, 94.5]"
    notebook.run("executor.submit(price, 1.0).result()")
    for outputs in (first, again):
        assert notebook.bar(outputs) == {"of": 3, "at": 3, "style": "success"}


def test_a_bar_grows_with_the_calls_of_its_cell(notebook: Notebook) -> None:
    outputs = notebook.run("with BurstExecutor(client) as more:\n    futures = [more.submit(price, 1.0) for _ in range(5)]\n    list(more.map(price, [1.0] * 4))")
    assert notebook.bar(outputs) == {"of": 9, "at": 9, "style": "success"}


def test_futures_live_from_cell_to_cell(notebook: Notebook) -> None:
    notebook.run("future = executor.submit(price, 100.0, years=0)")
    assert notebook.value("future.result()") == "100.0"


def test_futures_are_awaited_in_the_loop_of_the_notebook(notebook: Notebook) -> None:
    assert notebook.value("await asyncio.gather(*(asyncio.wrap_future(executor.submit(price, value)) for value in (100.0, 120.0)))") == "[105.0, 126.0]"
    assert notebook.value("await asyncio.get_running_loop().run_in_executor(executor, price, 100.0)") == "105.0"


def test_what_a_call_raised_is_shown_with_the_traceback_of_the_worker(notebook: Notebook) -> None:
    shown = notebook.error("list(executor.map('worker:fail', ['value', 'key']))")
    assert shown.rstrip().endswith("RemoteValueError: remote words")
    assert re.search(r'File "\S+worker\.py", line \d+, in fail', shown)


def test_functions_of_the_notebook_are_refused_before_a_job_is_started(notebook: Notebook) -> None:
    started = notebook.value("len(executor.job_ids)")
    shown = notebook.error("def mine(value):\n    return value\n\nexecutor.submit(mine, 1)")
    assert "is defined in this notebook or script" in shown and "burst_worker(functions=[...])" in shown
    assert notebook.value("len(executor.job_ids)") == started


def test_an_interrupted_cell_ends_at_once_and_its_job_goes_on(notebook: Notebook, calls: BurstClient) -> None:
    notebook.run("import threading\ninterrupted = BurstExecutor(client, max_concurrency=2)")
    kernel: Any = notebook.client.km
    [last] = calls.list(limit=1)

    def interrupt_once_it_runs() -> None:
        while next(calls.list(limit=1)).job_id == last.job_id or next(calls.list(limit=1)).status == "PENDING":
            time.sleep(0.1)
        asyncio.run(kernel.interrupt_kernel())

    threading.Thread(target=interrupt_once_it_runs).start()
    outputs = notebook.run("with interrupted:\n    list(interrupted.map('worker:nap', [9] * 200))")
    assert outputs[-1].ename == "KeyboardInterrupt"
    job = notebook.value("interrupted.job_ids[0]").strip("'")
    assert f"interrupted; {job} goes on" in outputs[-1].evalue
    assert notebook.value(f"client.status({job!r}).has_ended") == "False"
    assert notebook.bar(outputs)["style"] == "danger"
    # nobody follows it any more, which runs for minutes yet
    notebook.run("for thread in threading.enumerate():\n    if thread.name == 'burst-executor': thread.join()")
    assert notebook.value(f"client.cancel({job!r})\nclient.status({job!r}).finished") == "0"
    assert notebook.value("list(executor.map(price, [100.0]))") == "[105.0]"


def test_without_widgets_the_bar_is_text() -> None:
    bare = Notebook()
    with bare.client.setup_kernel():
        bare.run("import sys\nsys.modules['ipywidgets'] = None")
        outputs = [*bare.run(SETUP), *bare.run("with executor:\n    list(executor.map(price, [100.0, 120.0]))")]
    shown = "".join(output.text for output in outputs if output.output_type == "stream")
    assert "2/2" in shown and "Warning" not in shown
