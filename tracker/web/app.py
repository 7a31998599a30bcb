"""The pages of `trainwatt serve`: what each address answers. All figures come from the functions that the commands use too."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Send

from ..analysis.comparing.choosing import Wanted, chosen, sides_of
from ..analysis.comparing.comparison import compare
from ..analysis.footprint import DEFAULT, view_of
from ..analysis.over_time.figures import figures, figures_of, with_instances
from ..analysis.totals import grouped, members, over_time, total
from ..analysis.view import SCHEMA_VERSION
from ..carbon.tables.hardware import table
from ..errors import AmbiguousRunError, RunNotFoundError, StoreError
from ..life.choosing import chosen as chosen_runs
from ..life.footprints import footprints_of
from ..life.reading import life_of_project
from ..life.whole import whole_life
from ..presentation.life.section import life_section
from ..presentation.report.elements import Html, el
from ..presentation.report.sections import section_of
from ..presentation.report.style import SCRIPT as REPORT_SCRIPT
from ..presentation.words.runs import title_of
from ..storage.place import masked
from ..storage.read.store import Store
from ..storage.read.vanished import Here
from . import pages, projects
from .asked import PLACE, asked_of, asks_for_a_list
from .assets import SCRIPT, STYLE
from .broadcast import Broadcasts
from .comparison_page import comparison
from .front.addresses import LIVE, SWEEP
from .front.page import front_page, sweep_page, unfinished
from .front.site import FrontSite
from .guard import Guard
from .list_page import list_page
from .live_pages import LivePages
from .run_list import RunList, RunLists
from .shared import Shared

MOST_COMPARED = 50
FRONT = "that trains now"
"""What the news of all running runs are the news of. No run has an id like this."""
AGAIN_S = 2
"""When a page is asked for again of which a part was still being computed."""
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#0b5cad"/>'
    '<path d="M9 2 4 9h3l-1 5 6-8H8z" fill="#fff"/></svg>'
)


def create_app(store: Store, here: Callable[[], Here], token: str | None, watchers: int) -> Starlette:
    """The application.

    `here` identifies this machine and its processes, so that runs whose process has vanished can be recognised. Every request must have
    `token`; it is None if only this machine can send requests. At most `watchers` pages of running runs are kept up to date.
    """
    site = _Site(store, here, watchers)
    shared = Shared().endpoint
    return Starlette(
        routes=[
            Route("/", shared(site.front)),
            Route(LIVE, site.live_front),
            Route(PLACE, shared(site.runs)),
            Route(SWEEP, shared(site.sweep)),
            Route("/runs/{run}", shared(site.run)),
            Route("/runs/{run}/live", site.live),
            Route("/compare", shared(site.compare)),
            Route("/projects", shared(site.projects)),
            Route("/life", shared(site.life)),
            Route("/api/runs", shared(site.api_runs)),
            Route("/api/runs/{run}", shared(site.api_run)),
            Route("/api/projects", shared(site.api_projects)),
            Route("/static/style.css", lambda _: Response(STYLE, media_type="text/css")),
            Route("/static/app.js", lambda _: Response(SCRIPT, media_type="text/javascript")),
            Route("/static/report.js", lambda _: Response(REPORT_SCRIPT, media_type="text/javascript")),
            Route("/static/icon.svg", lambda _: Response(ICON, media_type="image/svg+xml")),
        ],
        middleware=[Middleware(Guard, token=token)],
        exception_handlers={RunNotFoundError: site.failed, AmbiguousRunError: site.failed, StoreError: site.failed, 404: site.nowhere},
    )


class _Stream(StreamingResponse):
    """An answer that ends its generator at once when the client goes, whatever it waits for."""

    async def stream_response(self, send: Send) -> None:
        content = self.body_iterator
        assert isinstance(content, AsyncGenerator)
        async with aclosing(content):
            await super().stream_response(send)


class _Site:
    def __init__(self, store: Store, here: Callable[[], Here], watchers: int) -> None:
        self._store = store
        self._here = here
        self._lists = RunLists(store)
        self._front = FrontSite(store, self._judged)
        live = LivePages(self._judged, store)
        self._broadcasts = Broadcasts(lambda of: self._front.refreshed() if of == FRONT else live.refreshed(of), watchers)
        self._place = masked(store.place)

    # ---- pages

    def front(self, request: Request) -> Response:
        if asks_for_a_list(request.query_params):
            return RedirectResponse(f"{PLACE}?{request.url.query}", 307)
        front = self._front.front()
        return self._page("Overview", front_page(front), again_s=AGAIN_S if unfinished(front) else None)

    async def live_front(self, request: Request) -> Response:
        return _Stream(self._broadcasts.watch(FRONT), media_type="text/event-stream")

    def sweep(self, request: Request) -> Response:
        project, group = (request.query_params.get(name) for name in ("project", "group"))
        if not project or not group:
            return self._wrong(request, 400, "No sweep", "Choose a project and a group.")
        self._judged()
        return self._page(group, sweep_page(self._front.sweep(project, group)))

    def runs(self, request: Request) -> Response:
        found = self._found(request)
        metrics = self._store.metric_names([entry["run"]["id"] for entry in found.entries])
        return self._page("Runs", list_page(found, self._store.projects(), self._store.groups(found.asked.project), metrics))

    def run(self, request: Request) -> Response:
        run_id = self._id(request)
        shown = figures(self._store, run_id)
        running = shown.view["run"]["status"] == "running"
        shown = shown if running else with_instances(self._store, shown)
        live = f"/runs/{run_id}/live" if running else None
        content = el("main", el("p", class_="live", role="status") if running else None, el("div", section_of(shown), data_live=live))
        return self._page(title_of(shown.view), content)

    def compare(self, request: Request) -> Response:
        refs, groups = (request.query_params.getlist(name) for name in ("run", "group"))
        if len(refs) + len(groups) > MOST_COMPARED:
            return self._wrong(request, 400, "Too much to compare", f"Select at most {MOST_COMPARED} runs.")
        wanted = Wanted(tuple(dict.fromkeys(refs)), tuple(dict.fromkeys(groups)), whole_groups=True)
        if wanted.fewest < 2:
            return self._wrong(request, 400, "Nothing to compare", "Select two runs or more in the list. The first one is the baseline.")
        left_out: list[str] = []
        found = chosen(self._store, wanted, left_out.append)
        ids = list(dict.fromkeys(run_id for side in found for run_id in side.ids))
        if len(ids) > MOST_COMPARED:
            return self._wrong(
                request, 400, "Too many runs", f"These sides have {len(ids)} runs, and a page compares {MOST_COMPARED} at most."
            )
        shown = dict(zip(ids, figures_of(self._store, ids), strict=True))
        compared = compare(sides_of(self._store, found, DEFAULT))
        return self._page("Comparison", comparison(compared, {run_id: of.drawing for run_id, of in shown.items()}, left_out))

    def projects(self, request: Request) -> Response:
        self._store.mark_vanished(self._here())
        name = request.query_params.get("name")
        runs = self._store.list_runs(project=name)
        if not runs:
            text, code = ("No runs yet.", 200) if name is None else (f"There is no run of the project {name}.", 404)
            return self._page("Projects", pages.message("Projects", text), code)
        each = members(self._store, runs)
        whole = total(each)
        if name is not None:
            return self._page(name, projects.project(name, whole, over_time(each, lambda run: run.status)))
        groups = projects.most_first(grouped(each, "project"))
        leading = set(projects.leading(groups))
        by_project = over_time(each, lambda run: run.project if run.project in leading else None)
        return self._page("Projects", projects.overview(groups, whole, by_project))

    def life(self, request: Request) -> Response:
        project = request.query_params.get("project")
        if not project:
            return self._wrong(request, 400, "No project", "Choose a project, and then its life.")
        said: list[str] = []
        life = life_of_project(project)
        of = chosen_runs(self._judged(), life)
        found = footprints_of(self._store, list(of.stages), DEFAULT, said.append)
        whole = whole_life(life, of, found, [], DEFAULT, table(None))
        return self._page(f"The life of {project}", el("main", life_section(whole), [el("p", text, class_="text") for text in said]))

    async def live(self, request: Request) -> Response:
        run_id = await run_in_threadpool(self._id, request)
        return _Stream(self._broadcasts.watch(run_id), media_type="text/event-stream")

    # ---- for programs

    def api_runs(self, request: Request) -> Response:
        found = self._found(request)
        return JSONResponse({"schema_version": SCHEMA_VERSION, "count": found.matching, "runs": found.entries})

    def api_run(self, request: Request) -> Response:
        return JSONResponse(view_of(self._store, self._store.load(self._id(request))))

    def api_projects(self, request: Request) -> Response:
        self._store.mark_vanished(self._here())
        groups = grouped(members(self._store, self._store.list_runs()), "project")
        return JSONResponse({"schema_version": SCHEMA_VERSION, "by": "project", "groups": groups})

    # ---- errors

    def failed(self, request: Request, error: Exception) -> Response:
        code = 503 if isinstance(error, StoreError) and not isinstance(error, RunNotFoundError) else 404
        return self._wrong(request, code, "Not found" if code == 404 else "The database does not answer", str(error))

    def nowhere(self, request: Request, error: Exception) -> Response:
        return self._wrong(request, 404, "Not found", f"there is nothing at {request.url.path}")

    def _wrong(self, request: Request, code: int, title: str, text: str) -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": text}, code)
        return self._page(title, pages.message(title, text), code)

    # ---- helpers

    def _judged(self) -> Store:
        """The store, with runs that vanished marked as such."""
        self._store.mark_vanished(self._here())
        return self._store

    def _page(self, title: str, content: Html, code: int = 200, again_s: int | None = None) -> Response:
        return HTMLResponse(pages.shell(title, self._place, content, again_s=again_s), code)

    def _id(self, request: Request) -> str:
        return self._judged().find(request.path_params["run"])

    def _found(self, request: Request) -> RunList:
        """The page of the list that the query asks for."""
        self._judged()
        return self._lists.page(asked_of(request.query_params))
