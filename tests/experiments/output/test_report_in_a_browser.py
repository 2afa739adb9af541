import pytest
from fabricated_report import everything

PHONE, DESK = (390, 844), (1280, 900)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return everything(tmp_path_factory.mktemp("results"))


@pytest.mark.parametrize("size", [PHONE, DESK])
@pytest.mark.parametrize("scheme", ["light", "dark"])
class TestInABrowser:
    @pytest.fixture
    def opened(self, results, browser, size, scheme):
        page = browser.new_page(viewport=dict(zip(("width", "height"), size, strict=True)), color_scheme=scheme)
        complaints = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(request.url))
        page.goto((results / "report/quick/index.html").as_uri())
        yield page
        assert complaints == []
        page.close()

    def test_nothing_is_wider_than_the_screen(self, opened, size):
        # Everything folded out, too.
        opened.evaluate("document.querySelectorAll('details').forEach(held => held.open = true)")
        measured = opened.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert measured[0] <= measured[1] == size[0]

    def test_the_first_picture_comes_within_two_screens(self, opened, size):
        assert opened.evaluate("document.querySelector('picture').getBoundingClientRect().top") < 2 * size[1] - 100

    def test_pictures_are_shown_in_the_scheme(self, opened, scheme):
        shown = opened.evaluate("""[...document.querySelectorAll('picture img')]
            .map(image => [image.currentSrc, image.naturalWidth, image.clientWidth])""")
        assert len(shown) == 2
        for source, natural, _ in shown:
            assert natural > 0
            assert source.endswith(".dark.svg") == (scheme == "dark")

    def test_pictures_are_whole_and_lead_to_themselves(self, opened, size):
        boxes = opened.evaluate("""[...document.querySelectorAll('a.picture')].map(link => [link.getAttribute('href'),
            link.querySelector('img').getBoundingClientRect().right, link.getBoundingClientRect().right,
            link.querySelector('img').naturalWidth, link.querySelector('img').clientWidth,
            link.querySelector('.tap').offsetHeight > 0])""")
        assert len(boxes) == 2
        for link, right, edge, natural, width, told in boxes:
            assert link.endswith(".svg")
            assert right <= edge <= size[0] - 16
            assert width >= min(natural, size[0] - 34) * 0.95 or size == DESK
            assert told == (size == PHONE)

    def test_numbers_in_the_table_of_claims_stay_on_a_line(self, opened, size):
        opened.evaluate("document.querySelectorAll('details').forEach(held => held.open = true)")
        heights = opened.evaluate("""
            [...document.querySelectorAll('.claims td[data-label=p], .claims td[data-label=Seeds]')]
            .map(cell => { const range = document.createRange(); range.selectNodeContents(cell);
                           return range.getBoundingClientRect().height })""")  # fmt: skip
        assert len(heights) > 8
        assert max(heights) < 30

    def test_claim_by_claim_is_for_phones(self, opened, size):
        opened.evaluate("document.querySelector('.byclaim').open = true")
        cells = opened.evaluate("""[...document.querySelectorAll('.byclaim .cell a')]
            .map(cell => cell.offsetWidth).filter(width => width)""")
        assert (len(cells) > 6) == (size == PHONE)

    def test_lines_have_room_and_stack_on_a_phone(self, opened, size):
        boxes = opened.evaluate("""[...document.querySelectorAll('.line:not(.axis)')].map(line =>
            ['.name', '.bar', '.numbers'].map(part => line.querySelector(part).getBoundingClientRect().toJSON()))""")
        shown = [box for box in boxes if box[0]["width"]]
        assert len(shown) >= 6
        for name, bar, numbers in shown:
            assert bar["width"] > 200
            stacked = bar["top"] >= name["bottom"] - 1 and numbers["top"] >= bar["bottom"] - 1
            assert stacked if size == PHONE else name["right"] <= bar["left"] <= bar["right"] <= numbers["left"]

    def test_effects_in_the_matrix_are_not_cut(self, opened, size):
        cut = opened.evaluate("""[...document.querySelectorAll('.cell a span')].filter(held =>
            held.offsetWidth && held.scrollWidth > held.clientWidth + 1).map(held => held.textContent)""")
        assert cut == []

    def test_contents_stay_in_sight(self, opened, size):
        opened.evaluate("document.querySelector('#reading').scrollIntoView({behavior: 'instant'})")
        box = opened.evaluate(f"document.querySelector('{'.top summary' if size == PHONE else '.side'}')"
                              ".getBoundingClientRect().toJSON()")  # fmt: skip
        assert box["width"] > 100
        assert -1 <= box["top"] < 60

    def test_the_matrix_is_chips_on_a_phone(self, opened, size):
        shown = opened.evaluate("""['.chips', '.matrix']
            .map(what => getComputedStyle(document.querySelector(what)).display)""")
        assert shown == (["block", "none"] if size == PHONE else ["none", "block"])
        colours = opened.evaluate("""[...document.querySelectorAll('.chip, .cell a')]
            .map(held => getComputedStyle(held).backgroundColor)""")
        assert len(set(colours)) >= 6
