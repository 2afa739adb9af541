#!/bin/sh
# Makes .venv with everything that figures and tests need. Called by make; PYTHON= names another Python.
# `sh scripts/setup.sh python` only prints the Python that would be used.
# .venv/.unfinished marks an environment that is being made, .venv/.installed a complete one: what is left
# of a failed or interrupted installation is removed at once, or by the next call, and made anew.
set -eu

fail() {
    echo "error: $*" >&2
    exit 1
}

# Prints the version of a Python that will do; otherwise says why not and returns 1.
check() {
    version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || {
        echo "'$1' is not a Python that runs"
        return 1
    }
    case $version in
    3.10 | 3.11 | 3.12 | 3.13) ;;
    *)
        echo "'$1' is Python $version, and 3.10 to 3.13 is needed"
        return 1
        ;;
    esac
    "$1" -c 'import venv, ensurepip' 2>/dev/null || {
        package=python3-venv
        [ "$1" = python3 ] || package="python$version-venv"
        echo "'$1' (Python $version) cannot make environments: install $package (Debian, Ubuntu: sudo apt-get install $package)"
        return 1
    }
    echo "$version"
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        reason=$(check "$PYTHON") || fail "PYTHON: $reason"
        python=$PYTHON
        return
    fi
    reasons= incomplete=
    for python in python3 python3.13 python3.12 python3.11 python3.10; do
        command -v "$python" >/dev/null 2>&1 || continue
        reason=$(check "$python") && return
        # Names that a version manager lists but cannot run say nothing to a person.
        case $reason in
        *"that runs") ;;
        *"cannot make environments"*) incomplete=${incomplete:-$reason} ;;
        *) reasons="${reasons:+$reasons; }$reason" ;;
        esac
    done
    [ -z "$incomplete" ] || fail "$incomplete, then run make again"
    fail "${reasons:-no Python was found}; install Python 3.10 to 3.13 (Debian, Ubuntu: sudo apt-get install python3 python3-venv), or name one: make PYTHON=/path/to/python3"
}

# Only what this script made is ever removed.
discard() {
    if [ -e .venv/.unfinished ]; then rm -rf .venv; fi
}

find_python
if [ "${1:-}" = python ]; then
    echo "$python"
    exit
fi
[ -f pyproject.toml ] || fail "no pyproject.toml in $(pwd): run make from the root of the checkout"

if [ -e .venv/.unfinished ]; then
    owner=$(cat .venv/.unfinished)
    if [ -n "$owner" ] && kill -0 "$owner" 2>/dev/null; then
        fail "process $owner is setting up .venv already: wait for it, or remove .venv"
    fi
    discard
elif [ -d .venv ] && [ ! -e .venv/.installed ]; then
    fail ".venv was not made by make: rename or remove it, then run make again"
fi

trap discard EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
new=true
if [ -x .venv/bin/python ]; then
    new=false
    mv .venv/.installed .venv/.unfinished
else
    rm -rf .venv
    mkdir .venv
fi
echo $$ >.venv/.unfinished
if $new; then
    echo "Setting up .venv with Python $reason: a minute or two once, about 6 GB of disk (PyTorch's default build)."
    "$python" -m venv .venv || fail "'$python' could not make .venv; see above"
else
    echo "pyproject.toml has changed: bringing .venv up to date."
fi
# Most modules of the packages are never imported. Python compiles those that are, and keeps them unless told otherwise.
compile=--no-compile
[ -z "${PYTHONDONTWRITEBYTECODE:-}" ] || compile=--compile
.venv/bin/python -m pip install --quiet --disable-pip-version-check "$compile" --editable '.[test]' ||
    fail "the packages could not be installed, see above; is there a network, and are 6 GB of disk free? Then run make again"
rm .venv/.unfinished
# The stamp comes last: make takes the environment for complete when it is newer than pyproject.toml.
touch .venv/.installed
