"""Footprints as a table, a methods paragraph and references, in three forms."""

from __future__ import annotations

import copy
import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.footprints import GPU, HOUR_NS, NODE, START, footprint, gpu, modelled, package
from trainwatt._version import __version__
from trainwatt.carbon.accounting import Estimate
from trainwatt.carbon.series import read_series
from trainwatt.carbon.tables import zone_rows
from trainwatt.carbon.tables.basis import Basis
from trainwatt.carbon.terms import Terms
from trainwatt.energy.intervals import Share, interval
from trainwatt.presentation.paper.bibliography import SOFTWARE, WU, bibtex, cited, keys
from trainwatt.presentation.paper.document import CUT, NO_RUNS, document
from trainwatt.presentation.words.masses import format_mass
from trainwatt.presentation.words.quantities import format_range
from trainwatt.presentation.words.safe_text import clean, markdown, tex

Row = Any
FR = Terms(zone="FR")


def said(*footprints: Row) -> str:
    """The paragraph on one line, without references."""
    text = document(footprints, "text").partition("\nReferences\n")[0]
    return " ".join(text.partition("The energy use and")[2].split())


def table(*footprints: Row) -> dict[str, list[str]]:
    """Status to the cells of its row, the status left out."""
    lines = [line for line in document(footprints, "md").splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first: rest for first, *rest in rows if first != ":--"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def node(folder: Path) -> Row:
    """A completed run on two GPUs, a processor and modelled memory, in France."""
    return footprint(folder, NODE, FR)


@pytest.fixture(scope="module")
def many(folder: Path, node: Row) -> list[Row]:
    """One run of each status, and one of which no energy is known."""
    return [
        node,
        footprint(folder, (gpu(0, 0.4), package(0.1)), FR, id="bad", status="failed", samples=0),
        footprint(folder, (gpu(0, 0.3),), FR, id="cut", status="interrupted", hours=1.0, samples=500),
        footprint(folder, (gpu(0, 0.2),), FR, id="now", status="running", hours=1.0, samples=500, started_utc_ns=START + 72 * HOUR_NS),
        footprint(folder, (), FR, id="dark", status="failed", samples=0),
    ]


# ---- the table


def test_each_status_has_its_line_and_the_total_holds_them_all(many: list[Row]) -> None:
    rows = table(*many)
    assert list(rows) == ["status", "completed", "failed", "interrupted", "running", "total"]
    assert [rows[s][0] for s in list(rows)[1:]] == ["1", "2", "1", "1", "5"]
    assert rows["total"][1:3] == ["8.00", f"{2 * 2 + 2 + 1 + 1:.2f}"]
    whole = interval(Share.from_json(e) for f in many for d in f["energy"]["devices"] for e in d["errors"])
    assert rows["total"][3] == f"≥ {format_range(*whole)}"
    known = [f["energy"] for f in many if f["energy"]["total_j"] is not None]
    assert whole.energy_j == pytest.approx(sum(e["total_j"] for e in known))
    assert sum(e["low_j"] for e in known) < whole.low_j < whole.high_j < sum(e["high_j"] for e in known)
    carbons = [f["carbon"] for f in many if f["carbon"]]
    grams = [sum(c[f"total_{bound}g"] for c in carbons) for bound in ("", "low_", "high_")]
    assert rows["total"][6] == f"≥ {format_mass(*grams)}"


def test_a_run_without_known_energy_is_counted_and_named_and_never_nought(folder: Path, many: list[Row]) -> None:
    dark = many[-1]
    assert table(dark)["failed"] == ["1", "2.00", "unknown", "unknown", "unknown", "unknown"]
    assert "The energy of 1 run is not known" in said(dark)
    assert "used" not in said(dark)
    assert table(*many)["failed"][3].startswith("≥ ")
    assert not table(*many)["completed"][3].startswith("≥")
    assert "the runs used at least" in said(*many)


def test_a_lost_device_makes_a_lower_bound(node: Row) -> None:
    lost = copy.deepcopy(node)
    lost["energy"]["lower_bound"] = True
    cells = table(lost)["total"]
    assert [cell.startswith("≥ ") for cell in cells[3:]] == [True, True, False, True]
    assert "a device could not be read to the end" in said(lost)


def test_unknown_hardware_makes_the_sum_a_lower_bound_and_is_said(node: Row) -> None:
    bare = copy.deepcopy(node)
    bare["carbon"] |= {f"embodied{bound}_g": None for bound in ("", "_low", "_high")} | {"embodied_lines": []}
    assert table(bare)["total"][5] == "unknown"
    assert table(node, bare)["total"][5].startswith("≥ ")
    assert "The embodied emissions of 1 run are not known" in said(node, bare)
    assert "some of it without embodied emissions" in said(node, bare)
    assert "iso21031" not in document([bare], "md")


def test_hours_of_gpus_are_left_out_where_there_is_none(folder: Path) -> None:
    processor = footprint(folder, (package(),), FR, id="cpu")
    assert "GPU h" not in table(processor)["status"]
    assert "GPU" not in said(processor)
    assert "DRAM (not recorded)" in said(processor)


@pytest.mark.parametrize("form", ["text", "md", "tex"])
def test_the_paragraph_has_the_figures_of_the_table(form: str, many: list[Row]) -> None:
    found = document(many, form)
    _, energy, operational, embodied, total = (cell.removeprefix("≥ ") for cell in table(*many)["total"][2:])
    escape: Callable[[str], str] = {"text": clean, "md": markdown, "tex": tex}[form]
    body = " ".join(found.partition("The energy use and")[2].split())
    for figure in (energy, operational, embodied):
        assert escape(figure) in body
    assert escape(total.replace(" (", " CO2e (")) in body


# ---- how the energy is known


def test_shares_are_by_energy_over_all_runs(folder: Path, many: list[Row]) -> None:
    run = footprint(folder, (gpu(0, 0.6), modelled("cpu", 0.3), modelled("dram", 0.1)), FR, id="mix")
    assert "Of the energy, 60 % was measured and 40 % was modelled." in said(run)
    assert "GPU 60 % (energy counters read through NVML), CPU 30 % (modelled), DRAM 10 % (modelled)" in said(run)
    assert "measured energy are 95 % intervals" in said(run)
    assert "±5 % for GPU)" in said(run)


def test_what_is_modelled_is_never_called_measured(folder: Path) -> None:
    run = footprint(folder, (modelled("cpu", 0.3), modelled("dram", 0.1)), FR, id="model")
    text = said(run)
    assert "None of the energy was measured: all of it was modelled." in text
    assert re.findall(r"[^.]*\bmeasured\b[^.]*\.", text) == [" None of the energy was measured: all of it was modelled."]
    assert "95 %" not in text
    assert "counter" not in text
    assert "DRAM power was modelled from size: 64 GiB at 0.38 W/GB." in text


def test_all_measured_power_and_what_was_filled_in(folder: Path) -> None:
    whole = footprint(folder, (gpu(),), FR, id="whole")
    assert "All of the energy was measured." in said(whole)
    columns, _ = gpu()
    mixed = (columns, {"counter_j": 7.0e5, "power_j": 2.0e5, "imputed_j": 1.0e5})
    text = said(footprint(folder, (mixed,), FR, id="gap"))
    assert "90 % was measured and 10 % was imputed where readings are missing" in text
    assert "70 % energy counters read through NVML; 20 % power read through NVML, integrated over time; 10 % imputed" in text


def test_a_share_that_is_not_all_or_nothing_never_reads_so(folder: Path) -> None:
    text = said(footprint(folder, (gpu(0, 1.0), modelled(kwh=0.001)), FR, id="thin"))
    assert ">99 % was measured and <1 % was modelled" in text


def test_hardware_is_named_by_model_and_count(folder: Path, node: Row) -> None:
    assert f"The run used 2 × {GPU}, 1 CPU package (AMD EPYC 9654 96-Core Processor) and DRAM of one host." in said(node)
    two = footprint(folder, NODE, FR, id="two", hosts=("a", "b"))
    assert f"4 × {GPU}, 2 CPU packages" in said(two)
    assert "of 2 hosts" in said(two)
    assert "Runs used 2 × " in said(node, two)
    assert said(node, two).count("(1 run)") >= 2


# ---- factors


def test_each_zone_is_listed_with_its_source(folder: Path, node: Row) -> None:
    poland = footprint(folder, NODE, Terms(zone="PL"), id="pl")
    text = said(node, node, poland)
    assert re.search(r"44\.2 g CO2e/kWh \(22\.1–144; France \(FR\), life-cycle basis, 2024\) for 2 runs \[3\]; \d+", text)
    assert re.search(r"Poland \(PL\), life-cycle basis, \d{4}\) for 1 run \[3\]\.", text)
    assert "for 1 run" not in said(node).partition("grid intensity was")[2].partition(".")[0]
    assert "no offsets" in text


def test_no_zone_is_called_an_assumption(folder: Path) -> None:
    text = said(footprint(folder, NODE, Terms(), id="nowhere"))
    assert "World, life-cycle basis, 2024, assumed)" in text
    assert "no zone was recorded" in text


def test_life_cycle_and_direct_grams_in_one_total_are_pointed_out(folder: Path, node: Row) -> None:
    direct = footprint(folder, NODE, Terms(zone="gcp:europe-west4", basis=Basis.DIRECT), id="gcp")
    assert "direct basis" in said(direct)
    for alone in (node, direct):
        assert "not comparable" not in said(alone)
    assert "not comparable" in said(node, direct)
    assert "partly on a direct basis" in " ".join(document([node, direct], "text").split())


def test_values_given_by_hand_are_the_authors_and_cite_nobody(folder: Path) -> None:
    terms = Terms(intensity_g_per_kwh=429, pue=1.1, lifetime_years=6, lifetime_utilization=0.85)
    run = footprint(folder, NODE, terms, id="given")
    text = said(run)
    assert "429 g CO2e/kWh (supplied by the authors)." in text
    assert "The PUE was 1.1 (supplied by the authors); applied to these components alone" in text
    assert "a lifetime of 6 years (supplied by the authors) and a utilisation of 85 % (supplied by the authors)." in text
    assert "Ember" not in document([run], "text")


def test_pue(folder: Path, node: Row) -> None:
    assert "No PUE was known and none was applied (PUE 1)" in said(node)
    cloud = footprint(folder, NODE, Terms(zone="aws:eu-north-1"), id="aws")
    assert re.search(r"The PUE was 1\.\d+ \([a-z -]+; 20\d\d\) \[\d+\]; applied to these components alone", said(cloud))
    assert re.search(r"The PUE was 1 \(not known, none applied\) \(1 run\); 1\.\d+ \(", said(node, cloud))


def test_a_series_is_named_with_the_means_that_it_came_to(folder: Path, node: Row) -> None:
    def run(name: str, grams: int) -> Row:
        text = f"start,end,intensity_g_per_kwh\n2026-01-01T00:00Z,2027-01-01T00:00Z,{grams}"
        return footprint(folder, NODE, Terms(series=(read_series(text, "our grid.csv"),)), id=name)

    one, other = run("h1", 100), run("h2", 300)
    ours = "values over time from the authors' file “our grid.csv”, weighted by energy"
    assert f"100 g CO2e/kWh (86.96–115; {ours})." in said(one)
    assert f"100–300 g CO2e/kWh (means of runs; {ours})." in said(one, other)


def test_the_making_of_hardware_has_its_figures_and_terms(folder: Path, node: Row) -> None:
    text = said(node)
    assert "a lifetime of 4 years (3–5) and a utilisation of 50 % (30–60) [2]" in text
    assert re.search(r"NVIDIA H100 80GB: 164 kg CO2e \(147–575; 2025\)[^;]*\[\d+, \d+\]", text)
    assert "A class value is" in text
    assert "share of a host" not in text
    part = footprint(folder, NODE, Terms(zone="FR", host_share=0.25), id="part")
    assert "The reserved share of a host is 25 % (supplied by the authors)." in said(part)
    longer = footprint(folder, NODE, Terms(zone="FR", lifetime_years=6), id="longer")
    assert "a lifetime of 4 years (3–5) (1 run); 6 years (supplied by the authors) (1 run)" in said(node, longer)


def test_a_path_of_the_users_own_table_stays_out_of_the_paper(folder: Path) -> None:
    own = folder / "secret place.csv"
    own.write_text(
        "kind,pattern,name,embodied_kg,source\ngpu,H100,our board,111,\ncpu,.*,our chip,22,Vendor sheet 2024 https://vendor.example/a.pdf\n"
    )
    run = footprint(folder, NODE, Terms(zone="FR", hardware=str(own)), id="own")
    assert f"{GPU}: 111 kg CO2e (supplied by the authors)" in said(run)
    assert re.search(r"AMD EPYC 9654 96-Core Processor: 22 kg CO2e \[\d+\]", said(run))
    for form in ("text", "md", "tex"):
        assert "secret" not in document([run], form)
        assert "https://vendor.example/a.pdf" in document([run], form)


# ---- per unit of work, and beside the grams


def test_per_unit_of_work_where_every_run_counted_the_same(folder: Path, node: Row, many: list[Row]) -> None:
    grams = node["carbon"]["total_g"] / 1000
    assert f"Per sample, over 1,000 samples, this is 2.25 Wh and at least {format_mass(grams)} CO2e" in said(node)
    assert "over 2,000 samples" in said(*many)  # what failed before its first sample is in the grams
    tokens = copy.deepcopy(node)
    tokens["work"] = {"tokens": 10}
    assert "Per " not in said(node, tokens)
    assert "Per token, over 20 tokens" in said(tokens, tokens)
    nothing = copy.deepcopy(node)
    nothing["work"] = {}
    assert "Per " not in said(node, nothing)


def test_what_stands_beside_the_grams_is_summed_and_kept_apart(folder: Path, node: Row) -> None:
    terms = Terms(
        zone="FR", unmeasured=Estimate(0.25, 0.1, 0.5), market_intensity_g_per_kwh=10, price_per_kwh=0.2, currency="EUR", wue_l_per_kwh=0.4
    )
    run = footprint(folder, (gpu(),), terms, id="beside")
    text = said(run, run)
    assert "market-based operational emissions are 20.0 g CO2e" in text
    assert "may have used 0.500 kWh" in text
    assert "Water used on site is 0.800 L, at 0.4 L/kWh (supplied by the authors)." in text
    assert "The electricity cost 0.400 (0.380–0.420) EUR, at 0.2 per kWh." in text
    assert "Water" not in said(run, node)
    assert table(run)["total"] == table(footprint(folder, (gpu(),), FR, id="without"))["total"]


def test_the_days_the_statuses_and_the_software_are_named(many: list[Row]) -> None:
    text = said(*many)
    assert "of 5 training runs (1 completed, 2 failed, 1 interrupted, 1 running), 8.00 run hours and 8.00 GPU hours" in text
    assert "1 run had not ended at the time of writing" in text
    assert "between 2026-11-01 and 2026-11-04" in text
    assert f"trainwatt {__version__} [1]" in text
    assert "All totals include the failed and interrupted runs." in text


@pytest.mark.parametrize(
    ("status", "said_of_it"),
    [
        ("completed", "emissions of 1 training run, 2.00 run hours"),
        ("failed", "emissions of 1 failed training run, 2.00 run hours"),
        ("interrupted", "emissions of 1 interrupted training run, 2.00 run hours"),
        ("running", "emissions of 1 running training run, 2.00 run hours"),
    ],
)
def test_one_run_is_called_what_it_was(folder: Path, status: str, said_of_it: str) -> None:
    text = said(footprint(folder, (gpu(),), FR, id=f"one-{status}", status=status))
    assert said_of_it in text
    assert "All totals" not in text


# ---- references


def bundled() -> list[str]:
    """Each source that a shipped table names."""
    found: set[str] = set()
    for name in ("sources.csv", "embodied_hardware.csv"):
        found |= {row["source"] for row in csv.DictReader((zone_rows.DATA / name).read_text(encoding="utf-8").splitlines())}
    return sorted(found)


@pytest.mark.parametrize("source", bundled())
def test_every_shipped_source_can_be_cited(source: str) -> None:
    works = cited(source).works
    assert works
    for work in works:
        assert re.fullmatch(r"[a-z0-9-]{3,120}", work.key)
        assert len(work.field("title")) > 2
        assert work.field("title").count("(") == work.field("title").count(")")
        assert work.field("url").startswith("https://") or not re.search(r"https?:|arXiv", source)
    addresses = [re.sub(r"[).,;:]+$", "", a) for a in re.findall(r"https?://\S+", source)]
    assert set(addresses) <= {work.field("url") for work in works}


def test_keys_of_all_shipped_sources_are_unique_and_do_not_depend_on_the_order() -> None:
    works = [work for source in bundled() for work in cited(source).works]
    named = keys(works)
    assert len(set(named.values())) == len(named) > 20
    assert keys(reversed(works)) == named


def test_one_work_is_cited_once_however_it_is_worded() -> None:
    texts = ("Wu et al. 2022, arXiv:2111.00364 section III.A", "Wu et al. 2022 section III.A", "range: Wu et al., arXiv:2111.00364v2; ours")
    assert [cited(text).works for text in texts] == [(WU,)] * 3
    assert cited(texts[2]).remarks == ("ours",)


def test_a_source_of_several_works_and_a_remark() -> None:
    found = cited(
        "Falk et al. 2025, arXiv:2509.00093; Vendor Sheet X (July 2023, ISO): https://v.example/x_y.pdf, table 3; die from memory"
    )
    assert [w.field("title") for w in found.works] == [
        "More than Carbon: Cradle-to-Grave environmental impacts of GenAI training on the Nvidia A100 GPU",
        "Vendor Sheet X (July 2023, ISO)",
    ]
    assert found.works[1].fields[1:] == (
        ("year", "2023"), ("howpublished", "v.example"), ("url", "https://v.example/x_y.pdf"), ("note", "table 3"),
    )  # fmt: skip
    assert found.remarks == ("die from memory",)
    assert cited("Doe et al. 2024, Watts, arXiv:2401.00001").works[0].field("author") == "Doe and others"


def test_works_that_would_have_one_key_are_told_apart() -> None:
    alike = [cited(f"Some quite long title of a sheet (https://a.example/{n})").works[0] for n in range(3)]
    named = keys(alike)
    assert len(set(named.values())) == 3
    assert keys(reversed(alike)) == named


@pytest.mark.parametrize("form", ["md", "tex"])
def test_what_is_cited_has_an_entry_and_what_has_an_entry_is_cited(form: str, many: list[Row]) -> None:
    found = document(many, form)
    pattern = r"@([a-z0-9-]+)(?=[;\]])" if form == "md" else r"\\cite\{([a-z0-9,-]+)\}"
    used = [key for group in re.findall(pattern, found) for key in group.split(",")]
    entries = re.findall(r"^(?:% )?@[a-z]+\{([a-z0-9-]+),$", found, re.MULTILINE)
    assert list(dict.fromkeys(used)) == entries
    assert {SOFTWARE.key, WU.key} < set(entries)
    assert f"version = {{{__version__}}}" in found


def test_the_list_of_references_is_numbered_as_they_are_cited(many: list[Row]) -> None:
    found = document(many, "text")
    body, _, rest = found.partition("\nReferences\n")
    used = list(dict.fromkeys(int(n) for group in re.findall(r"\[([\d, ]+)\]", body) for n in group.split(", ")))
    assert used == [int(n) for n in re.findall(r"^\[(\d+)\]", rest, re.MULTILINE)] == list(range(1, len(used) + 1))
    assert "eprint = {2111.00364}" in bibtex(WU, WU.key)


@pytest.mark.parametrize("form", ["text", "md", "tex"])
def test_the_short_form_has_two_sentences_with_all_that_decides(form: str, node: Row, many: list[Row], folder: Path) -> None:
    for footprints in ([node], many):
        found = " ".join(document(footprints, form, short=True).split())
        words = found.partition("The energy use of")[2].partition("its life.")[0]
        assert 300 < len(words) < 1000
        assert "embodied. Operational emissions are" in words
    text = " ".join(document([node], "text", short=True).split())
    pue = "PUE of 1 (not known, none applied)"
    for part in ("4.00 GPU hours", "measured", "modelled", "CO2e", "France (FR), life-cycle basis", pue, "ranges: "):
        assert part in text.partition("The energy use of")[2].partition("References")[0]
    assert [line for line in document([node], "text", short=True).splitlines() if line.startswith("[1]")]
    unknown = document([footprint(folder, (), FR, id="none", samples=0)], "text", short=True)
    assert "is not known" in unknown
    assert "Operational" not in unknown


PLAIN = {
    "misc": ("author", "title", "howpublished", "month", "year", "note"),
    "inproceedings": ("author", "title", "booktitle", "editor", "volume", "series", "pages", "organization", "publisher", "year", "note"),
}
"""The fields that the functions of plain.bst print, by type of entry. It takes a type that it does not know for `misc`, with a warning."""


def printed_by_plain(entry: str) -> str:
    """What plain.bst prints of an entry."""
    kind = re.match(r"@([a-z]+)\{", entry)
    assert kind is not None
    fields = dict(re.findall(r"^  ([a-z]+) = \{(.*)\},?$", entry, re.MULTILINE))
    return ". ".join(fields[name] for name in PLAIN[kind[1]] if name in fields)


def test_plain_styles_print_who_and_where_of_every_shipped_source() -> None:
    works = [work for source in bundled() for work in cited(source).works]
    for work in (*works, WU, SOFTWARE):
        found = printed_by_plain(bibtex(work, "key"))
        if url := work.field("url"):
            assert tex((work.field("author") or work.field("howpublished")).split(",")[0]) in found.partition(". ")[0]
            assert rf"\texttt{{{tex(url)}}}" in found
    assert f"Version {__version__}" in printed_by_plain(bibtex(SOFTWARE, "key"))
    assert "howpublished" not in bibtex(WU, "key")  # an article in proceedings has no such field


@pytest.mark.parametrize("url", ["https://a.example/x_y~z?q=1&r=50%25#s", "https://b.example/$1"])
def test_no_address_breaks_a_field(url: str) -> None:
    [work] = cited(f"Doe Institute, Some Data ({url})").works
    found = printed_by_plain(bibtex(work, "key"))
    assert "Doe Institute" in found
    assert rf"\texttt{{{tex(work.field('url'))}}}" in found


# ---- no name breaks a document


TEX_WORDS = r"\\(?:textbraceleft|textbraceright|textbackslash|textasciitilde|textasciicircum|ldots|pounds)\{\}|CO\\textsubscript\{2\}"
TEX_LETTERS = r"\{\\(?:ss|o|O|ae|AE|oe|l|L|i)\}|\\[`'^~=u.\"rHvc]\{[A-Za-z ]?\}|\\`\{\}"
TEX_MATH = r"\$(?:[<>|]|\\times|\\div|\\pm|\\geq|\\leq|\\mu|\\cdot|\^\\circ|\\to|\\Sigma)\$"
TEX_FRAME = (
    r"\\(?:begin|end)\{(?:table|tabular)\}(?:\{[lr]+\})?",
    r"^\\centering\\footnotesize\\setlength\{\\tabcolsep\}\{4pt\}$",
    r"\\label\{tab:trainwatt\}",
    r"~\\cite\{[a-z0-9,-]+\}",
    r" \\\\$",
    r"\\hline",
    r" & ",
)
TEX_SAFE = re.compile(f"{TEX_WORDS}|{TEX_LETTERS}|{TEX_MATH}|" + r"\\[%&_#$,]|~")
HOSTILE = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="\\{}%&_#$~^|`*[]<>@!\"'\n\r\t -–×µ≥éőß😀€x1", max_size=40),
    st.sampled_from(
        ["<script>alert(1)</script>", "\\end{document}", "```\n\n# h", "--> <b>", "a | b", "\\input{/etc/passwd}", "\x1b[31m\u202e"]
    ),
)


def unescaped(text: str) -> list[str]:
    """What LaTeX would take for more than a letter, once all that is escaped is taken away."""
    return re.findall(r"[\\{}%&_#$^~]|[^\x20-\x7e]", TEX_SAFE.sub("", text))


@settings(max_examples=300)
@given(HOSTILE)
def test_words_of_latex_have_no_special_left_and_close_their_braces(name: str) -> None:
    assert unescaped(tex(name)) == []
    depth = 0
    for brace in re.findall(r"[{}]", tex(name)):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0


@settings(max_examples=300)
@given(HOSTILE)
def test_words_of_markdown_are_the_name_again_when_their_escapes_are_taken_away(name: str) -> None:
    escaped = markdown(name)
    assert re.sub(r"\\(.)", r"\1", escaped) == clean(name)
    assert re.search(r"(?<!\\)(?:\\\\)*[`*_{}\[\]<>#|~^$@&!]", escaped) is None
    assert len(escaped.splitlines()) <= 1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("96 % of 5 µg CO2e", r"96\,\% of 5 $\mu$g CO\textsubscript{2}e"),
        ("1–2 × 3 ± 4 ≥ 5", r"1--2 $\times$ 3 $\pm$ 4 $\geq$ 5"),
        ("Côte d'Ivoire, São Tomé, Łódź, ½", r"C\^{o}te d'Ivoire, S\~{a}o Tom\'{e}, {\L}\'{o}d\'{z}, 1/2"),
        (
            "a_b & {c} \\ #1 $2 ~ ^",
            r"a\_b \& \textbraceleft{}c\textbraceright{} \textbackslash{} \#1 \$2 \textasciitilde{} \textasciicircum{}",
        ),
        ("日本 😀", "?? ?"),
    ],
)
def test_words_of_latex(words: str, expected: str) -> None:
    assert tex(words) == expected


def renamed(of: Row, name: str) -> Row:
    """A footprint with the name wherever a user, a machine or a table of the user's names something."""
    found = copy.deepcopy(of)
    found["run"] |= {"id": name, "project": name}
    found["footprint_id"] = name
    for device in found["energy"]["devices"]:
        device |= {"model": name, "host": name, "note": f"modelled from {name}"}
    carbon = found["carbon"]
    carbon["zone"] = name
    for line in carbon["embodied_lines"]:
        line |= {"name": name, "row": name, "source": f"{name} (https://a.example/{name}), {name}", "evidence": name}
    for factor in carbon["assumptions"]:
        factor |= {"source": name} if factor["kind"] != "pue" else {}
        if factor["grid"]:
            factor["grid"] |= {"zone": name, "series": [{"name": name, "from_provider": False}]}
    cost = {"amount": 1.0, "low": 1.0, "high": 1.0, "currency": name, "price_per_kwh": 0.1, "source": name, "unpriced_share": 0.0}
    carbon["cost"] = cost
    return found


@settings(max_examples=150)
@given(name=HOSTILE)
def test_no_name_breaks_latex(node: Row, name: str) -> None:
    text, cut, entries = document([renamed(node, name)], "tex").partition(f"\n{CUT}\n")
    assert cut
    assert all(line.startswith("%") for line in entries.splitlines())
    bib = "\n".join(line[2:] for line in entries.splitlines())
    assert bib.count("{") == bib.count("}")
    assert bib.isascii()
    body = "\n".join(line for line in text.splitlines() if not line.startswith("% "))
    for frame in TEX_FRAME:
        body = re.sub(frame, " ", body, flags=re.MULTILINE)
    caption = re.search(r"^\\caption\{(.*)\}$", body, re.MULTILINE)
    assert caption is not None
    assert unescaped(body.replace(caption[0], caption[1]).replace("\n", " ")) == []


@settings(max_examples=150)
@given(name=HOSTILE)
def test_no_name_breaks_markdown(node: Row, name: str) -> None:
    found = document([renamed(node, name)], "md")
    lines = found.split("\n")
    blank = [i for i, line in enumerate(lines) if not line]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines[: blank[0]]} == {9}
    assert lines[blank[0] + 1].startswith("Table: Energy and emissions")
    fences = [i for i, line in enumerate(lines) if line.startswith("```")]
    assert len(fences) == 2
    assert lines[fences[0]].strip("`") == "bibtex"
    assert fences[1] == len(lines) - 3
    assert re.fullmatch(r"<!-- trainwatt [\w. :(),]+ -->", lines[-1])
    assert blank[:3] == [4, 6, 8]  # the table, the caption and the paragraph are one block each
    assert re.search(r"(?<!\\)(?:\\\\)*<", "\n".join(lines[: fences[0]])) is None


@settings(max_examples=100)
@given(name=HOSTILE)
def test_plain_text_has_no_control_characters(node: Row, name: str) -> None:
    assert all(c.isprintable() or c == "\n" for c in document([renamed(node, name)], "text"))


def test_a_long_name_is_cut_short(node: Row) -> None:
    found = copy.deepcopy(node)
    found["run"]["project"] = "x" * 5000
    assert len(document([found], "md")) < len(document([node], "md")) + 100


# ---- the edges


@pytest.mark.parametrize("form", ["text", "md", "tex"])
def test_no_runs(form: str) -> None:
    assert document([], form) == NO_RUNS


def test_an_unknown_form_is_refused(node: Row) -> None:
    with pytest.raises(ValueError, match="'html' is not a format of a document: text, md or tex"):
        document([node], "html")
