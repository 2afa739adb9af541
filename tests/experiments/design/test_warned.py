import warnings

from critical.data import DataWarning
from experiments.design.warned import plain_warnings


def test_what_is_said_of_data_is_one_line_and_the_rest_as_always(capsys, monkeypatch):
    others = []
    monkeypatch.setattr(warnings, "showwarning", lambda *given: others.append(given[0]))
    before = warnings.showwarning
    with plain_warnings(), warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("data=folder: left out 1 image", DataWarning, stacklevel=1)
        warnings.warn("another", UserWarning, stacklevel=1)
    assert capsys.readouterr().err == "warning: data=folder: left out 1 image\n"
    assert [str(warning) for warning in others] == ["another"]
    assert warnings.showwarning is before
