"""Opens the report in a real browser, as its reader does."""

import shutil
from pathlib import Path

import pytest

from robovlms.reports.html import write_report

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH: apt-get install -y chromium")


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(run_dir, baseline_dir, tmp_path_factory) -> Path:
    return write_report([run_dir, baseline_dir], tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture
def page(browser, report):
    """The report, opened; afterwards it must have complained about nothing and asked for nothing."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    complaints, requests = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(report.as_uri())
    yield page
    page.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("data:", "blob:"))] == [report.as_uri()]


def test_headings_and_numbers_are_visible(page):
    assert page.title() == "vla against baseline-cnn on tabletop, scene D · RoboVLMs report"
    headings = page.locator("h2:visible").all_inner_texts()
    assert [text for text in headings if text not in ("vla", "baseline-cnn")] == [
        "Success in a row",
        "Rollouts",
        "Task by task",
        "How tasks failed",
        "Every chain",
        "Confidence",
        "Training",
        "Protocol and provenance",
    ]
    assert page.locator(".chains li").count() == 60
    assert page.locator("#tasks tbody tr").count() == 11


def test_a_clip_plays(page):
    assert page.locator("video").count() == 3
    page.locator(".screen button").first.click()
    video = page.locator("video").first
    for _ in range(100):
        if video.evaluate("v => v.currentTime") > 0.3:
            break
        page.wait_for_timeout(100)
    assert video.evaluate("v => v.currentTime") > 0.3
    assert video.evaluate("v => [v.videoWidth, v.controls, v.error]") == [192, True, None]


def test_hovering_a_cell_tells_its_instruction(page):
    cell = page.locator(".chains .cell.failed").first
    cell.scroll_into_view_if_needed()
    page.wait_for_timeout(100)  # scrolling hides the tip
    cell.hover()
    assert "failed" in page.locator("#tip").inner_text()


def test_curves_change_axes_without_a_script(browser, report):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(report.as_uri())
    assert page.locator(".plot.step.linear:visible").count() == 5
    page.locator("label[for=axis-time]").click()
    page.locator("label[for=scale-log]").click()
    assert page.locator(".plot:visible").count() == page.locator(".plot.time.log:visible").count() == 5
    page.close()


def test_tasks_sort_and_chains_order(page):
    page.locator("#tasks th button", has_text="Success").first.click()
    column = page.locator("#tasks tbody td:nth-child(3)").evaluate_all("cells => cells.map(c => +c.dataset.value)")
    assert column == sorted(column, reverse=True)
    page.locator("#order-chains").click()
    solved = page.locator(".chains").first.locator("li").evaluate_all("rows => rows.map(r => +r.dataset.solved)")
    assert solved == sorted(solved, reverse=True)


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_wider_than_the_screen(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(page, scheme):
    page.emulate_media(color_scheme=scheme)
    ratios = page.evaluate(
        """() => {
          const lum = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(v => v / 255).map(
            v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
          const ratio = (a, b) => (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
          const style = e => getComputedStyle(document.querySelector(e));
          const paper = lum(style("body").backgroundColor), raised = lum(style(".card").backgroundColor);
          return [ratio(lum(style("body").color), paper), ratio(lum(style(".lead").color), paper),
                  ratio(lum(style(".facts dt").color), raised), ratio(lum(style(".run-0 .big strong").color), raised),
                  ratio(lum(style(".run-1 .big strong").color), raised)];
        }"""
    )
    assert min(ratios) >= 4.5 or (min(ratios[:3]) >= 4.5 and min(ratios) >= 3)  # large text may have 3 (WCAG AA)
