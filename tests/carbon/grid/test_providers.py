"""Each provider against a real server on this machine, that answers as documented, and in every way that it should not."""

from __future__ import annotations

import json
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.fakes.world import HANGS_S
from trainwatt.carbon.grid.base import GridError, GridProvider, GridValue
from trainwatt.carbon.grid.cloud import detect_region
from trainwatt.carbon.grid.electricitymaps import ElectricityMaps
from trainwatt.carbon.grid.http import Patience
from trainwatt.carbon.grid.providers import PROVIDERS, providers
from trainwatt.carbon.grid.uk import UKCarbonIntensity
from trainwatt.carbon.series import iso, utc_ns
from trainwatt.errors import ConfigurationError

TOKEN = "s3cret-t0ken-of-the-tests"
PATIENT = Patience(connect_s=HANGS_S, read_s=HANGS_S, longest_pause_s=1.5, deadline_s=HANGS_S, tries=3, backoff_s=0.01)
"""For servers that answer: on a busy machine they take their time."""
QUICK = Patience(connect_s=0.5, read_s=0.4, longest_pause_s=1.5, deadline_s=1.6, tries=3, backoff_s=0.01)
"""For those that do not."""
SOON_S = 60
"""What is not soon are the hours that a server asks for, or that it is silent for. A busy machine needs seconds for nothing."""
HOUR = 3_600_000_000_000
T0 = utc_ns("2026-11-24T00:00Z")
RANGE, HISTORY = "/v4/carbon-intensity/past-range", "/v4/carbon-intensity/history"
ASKED = {"emissionFactorType": "lifecycle", "temporalGranularity": "hourly"}


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def maps(httpserver: HTTPServer) -> ElectricityMaps:
    return ElectricityMaps(TOKEN, httpserver.url_for(""), PATIENT)


@pytest.fixture
def uk(httpserver: HTTPServer) -> UKCarbonIntensity:
    return UKCarbonIntensity(httpserver.url_for(""), PATIENT)


@pytest.fixture(autouse=True)
def _no_token_is_shown(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    out, err = capfd.readouterr()
    assert TOKEN not in caplog.text + out + err


def item(hour: int, g: Any, **more: Any) -> dict[str, Any]:
    at = iso(T0 + hour * HOUR).replace("Z", ".000Z")
    return {
        "zone": "DE", "carbonIntensity": g, "datetime": at, "updatedAt": at, "createdAt": at, "emissionFactorType": "lifecycle",
        "isEstimated": False, "estimationMethod": None, **more,
    }  # fmt: skip


def answer(*items: Any, zone: str = "DE", key: str = "data", **more: Any) -> dict[str, Any]:
    return {"zone": zone, key: list(items), "temporalGranularity": "hourly", **more}


def value(hour: float, g: float, *, estimated: bool = False, hours: float = 1) -> GridValue:
    return GridValue(T0 + round(hour * HOUR), T0 + round((hour + hours) * HOUR), g, estimated)


def half(hour: float, forecast: Any, actual: Any) -> dict[str, Any]:
    start = T0 + round(hour * HOUR)
    minute = [iso(t).replace(":00Z", "Z") for t in (start, start + HOUR // 2)]
    return {"from": minute[0], "to": minute[1], "intensity": {"forecast": forecast, "actual": actual, "index": "low"}}


def fails(provider: GridProvider, message: str, zone: str = "DE") -> GridError:
    """What is raised; it has the message, and the token nowhere, not in what it was raised from either."""
    with pytest.raises(GridError, match=message) as caught:
        provider.fetch(zone, T0, T0 + 3 * HOUR)
    error: BaseException | None = caught.value
    while error is not None:
        assert TOKEN not in str(error) + repr(error) + repr(vars(error))
        error = error.__cause__ or error.__context__
    return caught.value


def test_the_providers_are_in_one_tuple_and_need_their_token() -> None:
    assert [provider.__name__ for provider in PROVIDERS] == ["ElectricityMaps", "UKCarbonIntensity"]
    assert [p.name for p in providers({})] == ["uk"]
    both = providers({"ELECTRICITYMAPS_TOKEN": f" {TOKEN}\n"})
    assert [(p.name, p.basis, p.token_variable) for p in both] == [
        ("electricitymaps", "lifecycle", "ELECTRICITYMAPS_TOKEN"),
        ("uk", "direct", None),
    ]
    assert TOKEN not in repr(both)
    assert [both[0].covers(z) for z in ("DE", "WORLD")] == [True, False]


@pytest.mark.parametrize("token", ["", "a\nb" + TOKEN, TOKEN + "\u00e9", "a b"])
def test_a_token_that_cannot_be_one_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(ConfigurationError, match="ELECTRICITYMAPS_TOKEN is empty or has characters that no token has") as caught:
        ElectricityMaps(token)
    assert not token or token not in str(caught.value)


def test_hours_as_documented(httpserver: HTTPServer, maps: ElectricityMaps) -> None:
    query = {"zone": "DE", "start": "2026-11-24T00:00:00Z", "end": "2026-11-24T03:00:00Z", **ASKED}
    httpserver.expect_ordered_request(RANGE, "GET", headers={"auth-token": TOKEN}, query_string=query).respond_with_json(
        answer(item(0, 302), item(1, 310.5, isEstimated=True), item(2, 0))
    )
    found = maps.fetch("DE", T0 + HOUR // 4, T0 + 2 * HOUR + HOUR // 2)
    assert found == [value(0, 302), value(1, 310.5, estimated=True), value(2, 0)]
    httpserver.check_assertions()


def test_ten_days_at_a_time(httpserver: HTTPServer, maps: ElectricityMaps) -> None:
    asked = []

    def respond(request: Request) -> Response:
        start, end = utc_ns(request.args["start"]), utc_ns(request.args["end"])
        asked.append((end - start) // (24 * HOUR))
        return Response(json.dumps(answer(*(item((t - T0) // HOUR, 7) for t in range(start, end, HOUR)))), content_type="application/json")

    httpserver.expect_request(RANGE).respond_with_handler(respond)
    found = maps.fetch("DE", T0, T0 + 25 * 24 * HOUR)
    assert (asked, len(found)) == ([10, 10, 5], 600)


def test_a_later_page_that_fails_leaves_what_there_is(httpserver: HTTPServer, maps: ElectricityMaps, caplog: Any) -> None:
    httpserver.expect_ordered_request(RANGE).respond_with_json(answer(item(0, 302)))
    httpserver.expect_ordered_request(RANGE).respond_with_data("gone", 404)
    assert maps.fetch("DE", T0, T0 + 11 * 24 * HOUR) == [value(0, 302)]
    assert "HTTP 404" in caplog.text
    assert "from 2026-12-04T00:00:00Z on there are no values" in caplog.text


def test_a_free_token_gets_the_last_day_of_hours(httpserver: HTTPServer, maps: ElectricityMaps) -> None:
    httpserver.expect_request(RANGE).respond_with_json({"error": "not in your plan"}, 403)
    httpserver.expect_request(HISTORY, query_string={"zone": "DE", **ASKED}).respond_with_json(
        answer(*(item(h, 100 + h) for h in range(-4, 20)), key="history")
    )
    assert maps.fetch("DE", T0, T0 + 2 * HOUR) == [value(0, 100), value(1, 101)]


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_refused(httpserver: HTTPServer, maps: ElectricityMaps, status: int) -> None:
    httpserver.expect_request(RANGE).respond_with_data(f"who is {TOKEN}?", status)
    httpserver.expect_request(HISTORY).respond_with_data(f"who is {TOKEN}?", status)
    fails(maps, rf"Electricity Maps refuses the token.*HTTP {status}.*check the token")
    assert len(httpserver.log) == 2


def test_retry_after_is_waited_for(httpserver: HTTPServer, maps: ElectricityMaps) -> None:
    httpserver.expect_ordered_request(RANGE).respond_with_data("slow down", 429, {"Retry-After": "1"})
    httpserver.expect_ordered_request(RANGE).respond_with_json(answer(item(0, 302)))
    before = time.monotonic()
    assert maps.fetch("DE", T0, T0 + HOUR) == [value(0, 302)]
    assert 1.0 <= time.monotonic() - before < SOON_S


def test_a_pause_of_an_hour_is_not_waited_for(httpserver: HTTPServer, maps: ElectricityMaps) -> None:
    httpserver.expect_request(RANGE).respond_with_data("slow down", 429, {"Retry-After": "3600"})
    before = time.monotonic()
    fails(maps, "too many requests.*try again later")
    assert (time.monotonic() - before < SOON_S, len(httpserver.log)) == (True, 1)


@pytest.mark.parametrize(("status", "message"), [(429, "too many requests"), (500, r"failed \(HTTP 500\)"), (503, r"failed \(HTTP 503\)")])
def test_an_error_that_stays_is_asked_three_times(httpserver: HTTPServer, maps: ElectricityMaps, status: int, message: str) -> None:
    httpserver.expect_request(RANGE).respond_with_data("no", status)
    fails(maps, message)
    assert len(httpserver.log) == 3


def test_an_error_that_passes(httpserver: HTTPServer, maps: ElectricityMaps) -> None:
    httpserver.expect_ordered_request(RANGE).respond_with_data("no", 502)
    httpserver.expect_ordered_request(RANGE).respond_with_json(answer(item(0, 302)))
    assert maps.fetch("DE", T0, T0 + HOUR) == [value(0, 302)]


def test_a_redirect_would_carry_the_token_away(httpserver: HTTPServer, maps: ElectricityMaps) -> None:
    httpserver.expect_request(RANGE).respond_with_data("", 302, {"Location": httpserver.url_for("/elsewhere")})
    fails(maps, r"failed \(HTTP 302\)")
    assert [request.path for request, _ in httpserver.log] == [RANGE]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"zone": "DE", "data": [{"zone": "DE", "carbonInten', "not complete JSON"),
        ("", "not complete JSON"),
        ("<html>Welcome to the hotel</html>", "not complete JSON"),
        ("[" * 100_000, "not complete JSON"),
        ("[]", "has no list 'data'"),
        ("null", "not complete JSON"),
        ('{"zone": "DE", "data": {}}', "has no list 'data'"),
        ('{"zone": "DE", "history": []}', "has no list 'data'"),
        ('{"zone": "DE", "data": []}', "has no values of DE from 2026-11-24T00:00:00Z to 2026-11-24T03:00:00Z"),
        ('{"zone": "DE", "data": [null, 3, "x", {}]}', "has no values of DE"),
        ('{"zone": "DE", "temporalGranularity": "monthly", "data": [{}]}', "neither by the hour nor finer"),
    ],
)
def test_an_answer_that_cannot_be_used(httpserver: HTTPServer, maps: ElectricityMaps, body: str, message: str) -> None:
    httpserver.expect_request(RANGE).respond_with_data(body, content_type="application/json")
    fails(maps, message)


@pytest.mark.parametrize(
    "body",
    [
        answer(item(0, 302, zone="FR"), zone="FR"),
        answer(item(0, 302, zone="FR")),
        answer(item(0, 302), zone="FR"),
        {"data": [{k: v for k, v in item(0, 302).items() if k != "zone"}]},
    ],
)
def test_another_zone_than_asked_is_not_used(httpserver: HTTPServer, maps: ElectricityMaps, body: dict[str, Any]) -> None:
    httpserver.expect_request(RANGE).respond_with_json(body)
    fails(maps, r"was asked for DE and answered for (DE, FR|FR|no zone): its figures are not used")


def test_direct_emissions_are_not_taken_for_those_of_the_life_cycle(httpserver: HTTPServer, maps: ElectricityMaps) -> None:
    httpserver.expect_request(RANGE).respond_with_json(answer(item(0, 302, emissionFactorType="direct")))
    fails(maps, "direct emissions, not with those of the life cycle")


def test_the_figures_of_the_sandbox_are_not_used(httpserver: HTTPServer, maps: ElectricityMaps) -> None:
    body = answer(item(0, 302), item(1, 303, isEstimated=True, estimationMethod="SANDBOX_MODE_DATA"))
    httpserver.expect_request(RANGE).respond_with_json(body)
    fails(maps, "made-up figures, because the token is a sandbox token")


@pytest.mark.parametrize("status", [400, 404])
def test_a_zone_that_the_provider_does_not_know(httpserver: HTTPServer, maps: ElectricityMaps, status: int) -> None:
    httpserver.expect_request(RANGE).respond_with_json({"message": "no such zone"}, status)
    fails(maps, rf"has nothing for that zone and time \(HTTP {status}\); give an intensity of your own")
    assert len(httpserver.log) == 1


LONG = 10**3999
"""An integer of 4,000 digits, which no float can hold."""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (answer(item(0, 302), zone=["DE"]), r"answered for DE, \['DE'\]"),  # type: ignore[arg-type]
        (answer(item(0, 302, zone={"a": 1})), "answered for DE, {'a': 1}"),
        (answer(item(0, 302), zone=LONG), "answered for 1000"),  # type: ignore[arg-type]
        (answer(item(0, 302), temporalGranularity=["hourly"]), "neither by the hour nor finer"),
        (answer(item(0, LONG), item(1, -LONG)), "has no values of DE"),
        (answer(item(0, 302, emissionFactorType=["lifecycle"])), "direct emissions"),
        (answer(item(0, 302, datetime=LONG), item(1, 302, datetime=[])), "has no values of DE"),
    ],
)
def test_an_answer_of_other_types_is_refused(httpserver: HTTPServer, maps: ElectricityMaps, body: dict[str, Any], message: str) -> None:
    httpserver.expect_request(RANGE).respond_with_json(body)
    fails(maps, message)


@pytest.mark.parametrize("wrong", [LONG, -LONG, [LONG], {"actual": LONG}, "1" * 4000])
def test_british_values_of_other_types_are_gaps(httpserver: HTTPServer, uk: UKCarbonIntensity, wrong: Any) -> None:
    body = {"data": [half(0, wrong, wrong), half(0.5, wrong, 120), {"from": wrong, "to": wrong, "intensity": {"actual": 1}}]}
    httpserver.expect_request(re.compile("/intensity/.*")).respond_with_json(body)
    assert uk.fetch("GB", T0, T0 + HOUR) == [value(0.5, 120, hours=0.5)]


@pytest.mark.parametrize("wrong", [None, "302", True, -1, 2001, 1e999, LONG, [], {}])
def test_a_value_that_cannot_be_true_is_a_gap(httpserver: HTTPServer, maps: ElectricityMaps, wrong: Any) -> None:
    httpserver.expect_request(RANGE).respond_with_json(answer(item(0, 302), item(1, wrong), item(2, 304)))
    assert maps.fetch("DE", T0, T0 + 3 * HOUR) == [value(0, 302), value(2, 304)]


@pytest.mark.parametrize("wrong", ["2026-11-24T01:00:00", "", None, "soon", 5, "0001-01-01T00:00:00+14:00"])
def test_a_time_that_cannot_be_read_is_a_gap(httpserver: HTTPServer, maps: ElectricityMaps, wrong: Any) -> None:
    httpserver.expect_request(RANGE).respond_with_json(answer(item(0, 302), item(1, 303, datetime=wrong), item(2, 304)))
    assert maps.fetch("DE", T0, T0 + 3 * HOUR) == [value(0, 302), value(2, 304)]


def test_doubles_gaps_disorder_and_what_was_not_asked_for(httpserver: HTTPServer, maps: ElectricityMaps) -> None:
    items = (
        item(5, 5), item(9, 9), item(0, 1), item(0, 1), item(-1, 77), item(2, 20), item(2, 21), item(3, 33, isEstimated=True), item(3, 30),
    )  # fmt: skip
    httpserver.expect_request(RANGE).respond_with_json(answer(*items))
    assert maps.fetch("DE", T0, T0 + 6 * HOUR) == [value(0, 1), value(3, 30), value(5, 5)]  # 2 contradicts itself


def test_quarters_of_an_hour(httpserver: HTTPServer, maps: ElectricityMaps) -> None:
    body = answer(item(0, 302), item(0, 306, datetime="2026-11-24T00:15:00Z"), temporalGranularity="15_minutes")
    httpserver.expect_request(RANGE).respond_with_json(body)
    assert maps.fetch("DE", T0, T0 + HOUR) == [value(0, 302, hours=0.25), value(0.25, 306, hours=0.25)]


def server(answering: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that is no web server: it does with a connection what `answering` says."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)

        def serve() -> None:
            while not stop.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.recv(4096)
                    try:
                        answering(connection)
                    except OSError:
                        pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        stop.set()
        thread.join()


def _hang(_: socket.socket) -> None:
    time.sleep(0.9)


def _drip(connection: socket.socket) -> None:
    """A byte each tenth of a second never runs into the timeout between two bytes."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(20):
        connection.sendall(b" ")
        time.sleep(0.1)


def _break_off(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"zone": "DE", "data": []}')


def _nonsense(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")


@pytest.mark.slow
@pytest.mark.parametrize("answering", [_hang, _drip, _break_off, _nonsense])
@pytest.mark.parametrize("make", [lambda url: ElectricityMaps(TOKEN, url, QUICK), lambda url: UKCarbonIntensity(url, QUICK)])
def test_a_server_that_hangs_drips_or_breaks_off(make: Callable[[str], GridProvider], answering: Callable[[socket.socket], None]) -> None:
    serving = server(answering)
    url = next(serving)
    before = time.monotonic()
    fails(make(url), r"gave no answer \(.*\) at 127.0.0.1:\d+; try again later", "GB")
    assert time.monotonic() - before < SOON_S
    next(serving, None)


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    fails(ElectricityMaps(TOKEN, url, QUICK), r"gave no answer \(ConnectionError\)")


def test_half_hours_as_documented(httpserver: HTTPServer, uk: UKCarbonIntensity) -> None:
    """The answer begins with the half hour before, and `actual` is null where it is not known yet."""
    httpserver.expect_ordered_request("/intensity/2026-11-24T00:00Z/2026-11-24T02:00Z", "GET").respond_with_json(
        {"data": [half(-0.5, 90, 91), half(0, 100, 101), half(0.5, 110, None), half(1, None, None), half(1.5, None, 0)]}
    )
    assert uk.fetch("GB", T0 + 1, T0 + 2 * HOUR - 1) == [
        value(0, 101, hours=0.5),
        value(0.5, 110, estimated=True, hours=0.5),
        value(1.5, 0, hours=0.5),
    ]
    httpserver.check_assertions()


def test_no_request_for_more_than_fourteen_days(httpserver: HTTPServer, uk: UKCarbonIntensity) -> None:
    for path, hour in (
        ("/intensity/2026-11-24T00:00Z/2026-12-07T00:00Z", 0),
        ("/intensity/2026-12-07T00:00Z/2026-12-20T00:00Z", 13 * 24),
        ("/intensity/2026-12-20T00:00Z/2026-12-24T00:00Z", 26 * 24),
    ):
        httpserver.expect_ordered_request(path).respond_with_json({"data": [half(hour, 1, 2)]})
    assert [v.start_utc_ns for v in uk.fetch("GB", T0, T0 + 30 * 24 * HOUR)] == [T0, T0 + 13 * 24 * HOUR, T0 + 26 * 24 * HOUR]
    httpserver.check_assertions()


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ('{"error": {"code": "400 Bad Request", "message": "Please enter a valid start datetime"}}', 400, r"HTTP 400"),
        ('{"error": {"code": "x", "message": "y"}}', 200, "has no list 'data'"),
        ('{"data": []}', 200, "has no values from 2026-11-24T00:00:00Z"),
        ('{"data": [{"from": "2026-11', 200, "not complete JSON"),
        (json.dumps({"data": [half(0, None, None)]}), 200, "no values"),
        (json.dumps({"data": [{**half(0, 1, 1), "from": "2026-11-24T00:00"}]}), 200, "no values"),
        (json.dumps({"data": [{**half(0, 1, 1), "to": "2026-11-25T00:00Z"}]}), 200, "no values"),
        ("no", 500, "HTTP 500"),
        ("no", 429, "HTTP 429"),
    ],
)
def test_the_uk_in_ways_it_should_not_answer(httpserver: HTTPServer, uk: UKCarbonIntensity, body: str, status: int, message: str) -> None:
    httpserver.expect_request("/intensity/2026-11-24T00:00Z/2026-11-24T03:00Z").respond_with_data(body, status)
    fails(uk, message, "GB")


def test_doubles_and_gaps_of_the_uk(httpserver: HTTPServer, uk: UKCarbonIntensity) -> None:
    items = [half(1, 5, 50), half(0, 9, 90), half(0, 9, 90), half(0, 8, None), half(2, 1, 10), half(2, 1, 11), None]
    httpserver.expect_request("/intensity/2026-11-24T00:00Z/2026-11-24T03:00Z").respond_with_json({"data": items})
    assert uk.fetch("GB", T0, T0 + 3 * HOUR) == [value(0, 90, hours=0.5), value(1, 50, hours=0.5)]


def test_the_uk_knows_great_britain_only(uk: UKCarbonIntensity) -> None:
    fails(uk, r"Great Britain \(GB\) only, not FR", "FR")


AWS_TOKEN, AWS = "/latest/api/token", "/latest/meta-data/placement/region"
GCP, AZURE = "/computeMetadata/v1/instance/zone", "/metadata/instance/compute/location"


@pytest.mark.parametrize("region", ["eu-north-1", "us-gov-west-1", "eusc-de-east-1"])
def test_a_machine_of_aws_knows_its_region(httpserver: HTTPServer, region: str) -> None:
    httpserver.expect_request(AWS_TOKEN, "PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"}).respond_with_data("tok")
    httpserver.expect_request(AWS, "GET", headers={"X-aws-ec2-metadata-token": "tok"}).respond_with_data(region)
    assert detect_region(httpserver.url_for(""), HANGS_S) == f"aws:{region}"


@pytest.mark.parametrize("zone", ["us-central1-a", "us-central1-ai1a"])
def test_a_machine_of_google_knows_its_region(httpserver: HTTPServer, zone: str) -> None:
    httpserver.expect_request(GCP, "GET", headers={"Metadata-Flavor": "Google"}).respond_with_data(f"projects/12/zones/{zone}")
    assert detect_region(httpserver.url_for(""), HANGS_S) == "gcp:us-central1"


def test_a_machine_of_azure_knows_its_region(httpserver: HTTPServer) -> None:
    httpserver.expect_request(AZURE, "GET", headers={"Metadata": "true"}).respond_with_data("westus3")
    assert detect_region(httpserver.url_for(""), HANGS_S) == "azure:westus3"


def test_what_is_no_region_is_none(httpserver: HTTPServer) -> None:
    for path in (AWS_TOKEN, AWS, GCP, AZURE):
        httpserver.expect_request(path).respond_with_data("<html>Welcome to the hotel</html>")
    assert detect_region(httpserver.url_for(""), HANGS_S) is None
    httpserver.clear()
    assert detect_region(httpserver.url_for(""), HANGS_S) is None  # an error for each


@pytest.mark.slow
@pytest.mark.parametrize("answering", [_hang, _drip, _nonsense])
def test_no_cloud_is_none_and_soon(answering: Callable[[socket.socket], None]) -> None:
    serving = server(answering)
    before = time.monotonic()
    assert detect_region(next(serving)) is None
    assert time.monotonic() - before < SOON_S
    next(serving, None)


def test_nothing_at_the_address_of_the_metadata_is_none_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    before = time.monotonic()
    assert detect_region(url) is None
    assert time.monotonic() - before < SOON_S
