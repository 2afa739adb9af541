# The critical-periods suite. `make` alone lists what there is; the first target that needs it makes .venv.
.DEFAULT_GOAL := help
.PHONY: figures show smoke reference verify findings runs sweep agent sync test lint deficits report docs clean help

# A mistyped option would otherwise be ignored, and everything would run.
OPTIONS := FIGURE PROFILE JOBS DEVICE DRY ALL ARGS SEEDS SWEEP SWEEP_ID COUNT PYTHON
GIVEN := $(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(name)))
UNKNOWN := $(filter-out $(OPTIONS),$(GIVEN))
ifneq ($(UNKNOWN),)
$(error '$(firstword $(UNKNOWN))' is no option; there are $(OPTIONS), as in make figures FIGURE=iclr2019/deficit_removal)
endif
ifneq ($(filter-out 0 1,$(DRY)),)
$(error DRY=$(DRY) is neither 0 nor 1)
endif

export PYTHONUNBUFFERED := 1
RUN := .venv/bin/python
READY := .venv/.installed
# A stamp beside an interpreter that has gone (removed, or upgraded) is worth nothing.
ifneq ($(shell test -e $(READY) && ! test -x $(RUN) && echo gone),)
.PHONY: $(READY)
endif

# One setting of Hydra for each option that was given.
SETTINGS = $(if $(FIGURE),'figure=[$(FIGURE)]') $(if $(PROFILE),'profile=$(PROFILE)') \
	$(if $(JOBS),'jobs=$(JOBS)') $(if $(DEVICE),'device=$(DEVICE)') \
	$(if $(filter 1,$(DRY)),dry=true) $(if $(SEEDS),'seeds=[$(SEEDS)]') $(ARGS)

figures: $(READY) ## draw figures and report; FIGURE=headline, all or names; PROFILE= SEEDS= JOBS= DEVICE= DRY=1 ARGS=
	@$(RUN) -m experiments $(strip $(SETTINGS))

show: $(READY) ## what the committed results say, and their pages; PROFILE= ALL=1 (every claim)
	@$(RUN) -m experiments.show $(if $(PROFILE),'profile=$(PROFILE)') $(if $(filter 1,$(ALL)),all=true) $(ARGS)

reference: $(READY) ## write committed tables, results/reference; FIGURE= PROFILE= SEEDS=20,21
	@$(RUN) -m experiments reference=true $(strip $(SETTINGS))

verify: $(READY) ## train one seed of three reference figures anew: the same bits here? PROFILE=
	@$(RUN) -m experiments.verify $(strip $(SETTINGS))

findings: $(READY) ## write what is generated in README.md and docs/ anew from the committed tables
	@$(RUN) -m experiments.output.documents

smoke: $(READY) ## every figure in a few epochs: does all of it run? JOBS= DEVICE= ARGS=
	@$(MAKE) --no-print-directory figures PROFILE=smoke

runs: $(READY) ## runs on disk; ARGS="show RUN"
	@$(RUN) -m experiments.runs $(or $(ARGS),list)

sweep: $(READY) ## make a sweep of wandb, start an agent; SWEEP= (in conf/sweeps) COUNT= runs
	@$(RUN) -m experiments.agent 'sweep=$(SWEEP)' $(if $(COUNT),'count=$(COUNT)') $(ARGS)

agent: $(READY) ## join a sweep from any machine; SWEEP_ID=entity/project/id COUNT= runs
	@$(RUN) -m experiments.agent 'sweep_id=$(SWEEP_ID)' $(if $(COUNT),'count=$(COUNT)') $(ARGS)

sync: $(READY) ## send the runs on disk that wandb has not got; ARGS="logger.project=mine"
	@$(RUN) -m experiments.sync $(ARGS)

test: $(READY) ## run the tests; ARGS="tests/critical -k blur" picks some
	@$(RUN) -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(READY) ## check style (ruff) and types (mypy)
	@$(RUN) -m ruff check .
	@$(RUN) -m mypy

deficits: $(READY) ## draw what every deficit does to an image: results/figures/deficits.png
	@$(RUN) -m experiments.deficit_grid $(ARGS)

report: $(READY) ## write the pages anew from the results on disk; PROFILE= (default: all there are)
	@$(RUN) -m experiments.output.report $(if $(PROFILE),'$(PROFILE)')

docs: $(READY) ## build the site of the documents, with the reference of the library: build/docs
	@$(RUN) -c 'import material, mkdocstrings' 2>/dev/null || $(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict --quiet
	@echo build/docs/index.html

clean: ## remove the caches of Python and the tools; .venv, data and results stay
	@find . -name .venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
	@rm -rf .pytest_cache .mypy_cache .ruff_cache build
	@echo "Removed caches. Kept: .venv, data, results; 'rm -rf .venv' frees about 6 GB."

help: ## print this list
	@sed -n 's/^\([a-z]*\):.* ## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'

$(READY): pyproject.toml
	@PYTHON='$(PYTHON)' sh scripts/setup.sh
