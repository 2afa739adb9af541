import dataclasses
import json
import subprocess
import sys
from dataclasses import dataclass
from typing import ClassVar

import pytest

from critical.core.spec import SpecError, added, closest, execution, from_settings, identity, settings


@dataclass(frozen=True)
class Lens:
    name: ClassVar[str] = "lens"
    size: int
    power: float = 1.0
    tint: str | None = None
    curved: bool = False
    rings: tuple[int, ...] = ()
    cache: str = execution("somewhere")

    def __post_init__(self) -> None:
        if self.size < 1:
            raise SpecError(f"lens.size={self.size}: at least 1")
        if self.power == 13:
            raise ValueError("an unlucky number")


KINDS = {"lens": Lens}


def lens(**given):
    return from_settings(KINDS, {"name": "lens", **given}, "deficit")


class TestIdentity:
    def test_has_sixteen_hexadecimal_digits(self):
        assert len(identity(Lens(1))) == 16
        assert int(identity(Lens(1)), 16) >= 0

    def test_is_the_known_one(self):
        # sha256 of {"curved":false,"name":"lens","power":1.0,"rings":[],"size":1,"tint":null}
        assert identity(Lens(1)) == "ff39658bab579231"

    def test_does_not_depend_on_the_order_of_a_mapping(self):
        assert identity({"a": 1, "b": 2}) == identity({"b": 2, "a": 1})
        assert identity([1, 2]) != identity([2, 1])

    def test_is_the_same_in_a_process_with_other_hashes(self):
        program = "from critical.core.spec import identity; print(identity({'b': [1, None, True], 'a': 0.1}))"
        found = [
            subprocess.run(
                [sys.executable, "-c", program],
                env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
                capture_output=True,
                text=True,
                check=True,
            ).stdout.strip()
            for seed in ("1", "2")
        ]
        assert found == [identity({"b": [1, None, True], "a": 0.1})] * 2

    def test_tells_none_from_the_word(self):
        assert identity(Lens(1, tint=None)) != identity(Lens(1, tint="null"))

    def test_refuses_what_has_no_canonical_form(self):
        with pytest.raises(TypeError, match="set has no canonical form"):
            identity({1, 2})
        with pytest.raises(ValueError, match="JSON"):
            identity(float("nan"))

    def test_is_that_of_the_settings_as_read_back(self):
        assert identity(json.loads(json.dumps(settings(Lens(3, rings=(1, 2)))))) == identity(Lens(3, rings=(1, 2)))

    @pytest.mark.parametrize(
        "change", [{"size": 2}, {"power": 2.0}, {"tint": "red"}, {"curved": True}, {"rings": (1,)}], ids=str
    )
    def test_changes_with_every_field(self, change):
        assert identity(dataclasses.replace(Lens(1), **change)) != identity(Lens(1))

    def test_does_not_change_with_an_execution_field(self):
        assert identity(Lens(1, cache="elsewhere")) == identity(Lens(1))
        assert "cache" not in settings(Lens(1))


class TestAddedField:
    def pair(self, default):
        first = dataclasses.make_dataclass("Eye", [("size", int, 4)], frozen=True, namespace={"name": "eye"})
        later = dataclasses.make_dataclass(
            "Eye",
            [("size", int, 4), ("glasses", float, added(default, neutral=0.0))],
            frozen=True,
            namespace={"name": "eye"},
        )
        return first, later

    def test_leaves_old_identities_while_neutral(self):
        first, later = self.pair(default=0.0)
        assert identity(later()) == identity(first())

    def test_tells_other_values_apart(self):
        first, later = self.pair(default=0.0)
        assert len({identity(first()), identity(later(glasses=1.0)), identity(later(glasses=2.0))}) == 3

    def test_a_default_that_is_not_neutral_is_a_new_identity(self):
        first, later = self.pair(default=1.5)
        assert identity(later()) != identity(first())
        assert identity(later(glasses=0.0)) == identity(first())

    def test_a_changed_default_of_an_old_field_does_not_pass_for_the_old_one(self):
        old = dataclasses.make_dataclass("Eye", [("size", int, 4)], frozen=True, namespace={"name": "eye"})
        new = dataclasses.make_dataclass("Eye", [("size", int, 5)], frozen=True, namespace={"name": "eye"})
        assert identity(new()) != identity(old())


class TestFromSettings:
    def test_takes_defaults_and_converts(self):
        built = lens(size=2, power=3, rings=[1, 2])
        assert built == Lens(2, 3.0, rings=(1, 2))
        assert isinstance(built.power, float)

    def test_inverts_settings(self):
        original = Lens(2, 0.5, "red", True, (3,))
        assert from_settings(KINDS, settings(original), "deficit") == original

    def test_leaves_the_mapping_alone(self):
        given = {"name": "lens", "size": 1, "power": 2}
        from_settings(KINDS, given, "deficit")
        assert given == {"name": "lens", "size": 1, "power": 2}

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"size": 1}, "deficit: 'name' is missing; known: lens"),
            ({"name": "lans"}, "deficit: there is no 'lans'; did you mean 'lens'?"),
            ({"name": "zebra"}, "deficit: there is no 'zebra'; known: lens"),
            ({"name": "lens", "size": 1, "powr": 2}, "deficit=lens: there is no setting 'powr'; did you mean 'power'?"),
            (
                {"name": "lens", "size": 1, "zzz": 2},
                "deficit=lens: there is no setting 'zzz'; known: cache, curved, power, rings, size, tint",
            ),
            ({"name": "lens"}, "deficit=lens: the setting 'size' is missing"),
            ({"name": "lens", "size": "3"}, "deficit.size='3': expected int"),
            ({"name": "lens", "size": 3.0}, "deficit.size=3.0: expected int"),
            ({"name": "lens", "size": True}, "deficit.size=True: expected int"),
            ({"name": "lens", "size": None}, "deficit.size=None: expected int"),
            ({"name": "lens", "size": 1, "power": "1"}, "deficit.power='1': expected float"),
            ({"name": "lens", "size": 1, "power": True}, "deficit.power=True: expected float"),
            ({"name": "lens", "size": 1, "curved": 1}, "deficit.curved=1: expected bool"),
            ({"name": "lens", "size": 1, "tint": 3}, "deficit.tint=3: expected str or null"),
            ({"name": "lens", "size": 1, "rings": 3}, "deficit.rings=3: expected a list"),
            ({"name": "lens", "size": 1, "rings": ["a"]}, "deficit.rings='a': expected int"),
            ({"name": "lens", "size": 0}, "lens.size=0: at least 1"),
            ({"name": "lens", "size": 1, "power": 13}, "deficit=lens: an unlucky number"),
        ],
    )
    def test_says_what_is_wrong_in_one_line(self, given, message):
        with pytest.raises(SpecError) as raised:
            from_settings(KINDS, given, "deficit")
        assert str(raised.value) == message


def test_closest_names_the_likeliest_or_all():
    assert closest("restrat", ["restart", "constant"]) == "did you mean 'restart'?"
    assert closest("q", ["b", "a"]) == "known: a, b"
