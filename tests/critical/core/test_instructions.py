"""Which variables are set when, and what is said where a process cannot run a kind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from critical.core import arithmetic, instructions
from critical.core.arithmetic import Arithmetic, WrongInstructions, available_instructions
from critical.core.spec import SpecError

ROOT = Path(__file__).resolve().parents[3]
ALL = {**instructions.CHECKED, **instructions.further()}
needs_avx2 = pytest.mark.skipif(not instructions.possible(), reason="only x86-64 with AVX2 can be portable")


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """As before `critical` was imported, on a processor that can be portable; all is put back."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (*ALL, instructions.SWITCH, instructions.PINNED):
            patch.setenv(name, "")
            patch.delenv(name)
        patch.setattr(instructions, "_seen", {})
        patch.setattr(instructions, "possible", lambda: True)
        patch.delitem(sys.modules, "torch")
        yield patch


def test_all_is_pinned_and_children_know_that_no_person_did_it():
    instructions.pin()
    assert {name: os.environ[name] for name in ALL} == ALL
    assert instructions.in_use() == "portable"
    assert instructions.problem("portable") == ""
    instructions.pin()  # as a child that inherits them
    assert set(os.environ[instructions.PINNED].split(",")) == set(ALL)
    native = instructions.variables("native")
    assert not set(native) & {*ALL, instructions.PINNED}
    assert native[instructions.SWITCH] == "native"
    assert os.environ["MKL_CBWR"] == "COMPATIBLE", "this process is as it was"


def test_what_a_person_set_stays(fresh):
    fresh.setenv("OPENBLAS_CORETYPE", "Zen")
    fresh.setenv("MKL_CBWR", "AVX2")
    instructions.pin()
    assert (os.environ["OPENBLAS_CORETYPE"], os.environ["MKL_CBWR"]) == ("Zen", "AVX2")
    assert instructions.in_use() == "native"
    assert "MKL_CBWR=AVX2 is set, COMPATIBLE is portable; unset it" in instructions.problem("portable")
    assert instructions.variables("native")["MKL_CBWR"] == "AVX2"


def test_the_switch_undoes_what_was_pinned_and_nothing_else(fresh):
    fresh.setenv("OPENBLAS_CORETYPE", "Zen")
    instructions.pin()
    fresh.setenv(instructions.SWITCH, "native")
    instructions.pin()
    assert {name for name in (*ALL, instructions.PINNED) if name in os.environ} == {"OPENBLAS_CORETYPE"}
    assert instructions.in_use() == "native"
    assert instructions.problem("native") == ""
    assert "CRITICAL_INSTRUCTIONS=native is set; unset it" in instructions.problem("portable")


def test_after_torch_nothing_is_set(fresh):
    fresh.setitem(sys.modules, "torch", torch)
    instructions.pin()
    assert not any(name in os.environ for name in ALL)
    assert instructions.problem("native") == ""
    assert "import critical first" in instructions.problem("portable")


def test_a_portable_process_is_not_native(fresh):
    instructions.pin()
    assert "set CRITICAL_INSTRUCTIONS=native before Python starts" in instructions.problem("native")
    fresh.setenv(instructions.SWITCH, "fast")
    assert instructions.problem("native") == "CRITICAL_INSTRUCTIONS=fast: one of portable, native"


def test_a_processor_that_cannot_be_portable(fresh):
    fresh.setattr(instructions, "possible", lambda: False)
    assert instructions.chosen() == "native"
    instructions.pin()
    assert not any(name in os.environ for name in ALL)
    assert Arithmetic().instructions == "native"
    assert available_instructions("auto", "cpu") == "native"
    with pytest.raises(SpecError, match="needs an x86-64 processor with AVX2"):
        available_instructions("portable", "cpu")


def test_auto(fresh):
    assert available_instructions("auto", "cpu") == Arithmetic().instructions == "portable"
    assert available_instructions("auto", "cuda") == available_instructions("native", "cuda") == "native"
    with pytest.raises(SpecError, match="portable: device=cuda has bits of its own"):
        available_instructions("portable", "cuda")
    with pytest.raises(SpecError, match="fast: one of auto, portable, native"):
        available_instructions("fast", "cpu")
    fresh.setenv(instructions.SWITCH, "native")
    assert available_instructions("auto", "cpu") == Arithmetic().instructions == "native"


def test_an_accelerator_has_one_identity():
    assert Arithmetic(device="cuda", instructions="portable") == Arithmetic(device="cuda", instructions="native")
    Arithmetic(device="cuda").check()


def test_other_instructions_are_refused_where_a_run_trains(fresh):
    instructions.pin()
    fresh.setattr(arithmetic.torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    Arithmetic(instructions="portable").check()
    with pytest.raises(WrongInstructions, match="instructions=native: this process"), Arithmetic(
        instructions="native"
    ).applied():
        pytest.fail("it would have run")
    fresh.setattr(arithmetic.torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    with pytest.raises(WrongInstructions, match="torch runs AVX512, not AVX2; import critical before"):
        Arithmetic(instructions="portable").check()


@needs_avx2
def test_torch_obeys():
    """In processes of their own, as it counts."""
    said = "import torch; print(torch.backends.cpu.get_cpu_capability())"
    checked = f"import critical.core.arithmetic as a; a.Arithmetic().check(); {said}"
    done = {
        code: subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
        for code in (checked, f"import torch; {checked}")
    }
    assert done[checked].stdout == "AVX2\n"
    last = done[f"import torch; {checked}"].stderr.splitlines()[-1]
    assert "torch was imported before critical; import critical first" in last
