import re

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from critical.core.spec import SpecError
from experiments.design import command_line
from experiments.design.command_line import quoted, typed, written


def parsed(text):
    (override,) = OverridesParser.create().parse_overrides([text])
    return override.value()


def test_settings_options_and_a_folder_are_told_apart(tmp_path):
    line = command_line.read(["a=1", "-m", "+b.c=2", "--config-dir", str(tmp_path), "~d", "--cfg", "job", "--e.f=3"])
    assert line.overrides == ("a=1", "+b.c=2", "~d", "e.f=3")
    assert line.options == ("-m", "--cfg", "job")
    assert line.folder == tmp_path
    assert line.multirun
    assert not line.help
    assert command_line.read([f"--config-dir={tmp_path}", "-h"]).help


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (["seed"], "'seed' is no setting; write key=value"),
        (["--foo"], "--foo: there is no such option; --help lists"),
        (["-x"], "-x: there is no such option"),
        (["--config-dir=/nowhere"], "--config-dir=/nowhere: there is no such folder"),
        (["--config-dir"], "--config-dir=: there is no such folder"),
    ],
    ids=str,
)
def test_other_words_are_refused(given, named):
    with pytest.raises(SpecError, match=re.escape(named)):
        command_line.read(given)


@pytest.mark.parametrize(
    "given",
    [
        "figures.iclr2019/deficit_removal.removals=[5,10]",
        "+figures.iclr2019/deficit_removal.removals=[5,10]",
        "figures.iclr2019/deficit_removal={removals:[5,10]}",
    ],
)
def test_a_setting_of_a_figure_is_typed_as_it_is_called(given):
    (text,) = command_line.read([given]).overrides
    assert parsed(text) == {"iclr2019/deficit_removal": {"removals": [5, 10]}}
    assert typed(text) == "figures.iclr2019/deficit_removal.removals=[5,10]"


def test_other_settings_are_left_as_they_are():
    given = ("model@two_streams.model=all_cnn", "+figures={a/b:{c:[1]}}", "data.path=/a/b", "figure=a/b")
    assert command_line.read(given).overrides == given
    assert typed("deficit=blur") == "deficit=blur"


@pytest.mark.parametrize("value", [None, True, 3, 1e-05, 0.5, "blur", "a,b", "/Bücher #1", "it's", 'a "b"', [1, None]])
def test_hydra_reads_a_value_as_it_was(value):
    assert parsed(f"a={written(value)}") == value


@pytest.mark.parametrize("text", ["/a#b", "x=y", "it's", "ü", 'say "x"', 'a\\"b', "C:\\new", "(", "a;b", "a b"])
def test_text_is_quoted_for_hydra(text):
    assert parsed(f"a={quoted(text)}") == text


def test_what_an_agent_writes_as_python_does():
    words = ["deficit={'end': 5, 'size': None}", "a=None", "b=True", "c=[1, None]", "d={broken"]
    line = command_line.read(words, of_a_sweep=True)
    assert line.overrides == ("deficit.end=5", "deficit.size=null", "a=null", "b=True", "c=[1,null]", "d={broken")
    assert command_line.read(["a=None"]).overrides == ("a=None",)
