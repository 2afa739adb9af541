# %% [markdown]
# # What has been trained
#
# `Results` reads the runs that `make figures` or `python -m experiments.train` left in `results`: as tables, as data
# and networks, and as a trainer that goes on from any epoch. This is a script, `python examples/analysis.py`, and the
# same as a notebook, `examples/analysis.ipynb`; both want the folder `results` where they are started. For a first run:
#
#     python -m experiments.train data=digits deficit=blur deficit.end=5 recovery=5

# %%
import critical  # noqa: F401  before torch: it chooses the instructions that give the same bits everywhere

# isort: split
from dataclasses import replace

import torch

from critical import Results
from critical.plots import style

results = Results("results")
runs = results.runs()
print(runs[["run_id", "state", "data", "deficit", "onset", "removal", "seed", "accuracy"]].head(10).to_string())

# %% [markdown]
# ## A table of runs
#
# It is tidy, a row a run, so pandas does the rest: the mean accuracy by deficit and removal, over seeds.

# %%
finished = runs[runs["state"] == "finished"]
by_window = finished.groupby(["data", "deficit", "onset", "removal"])["accuracy"].agg(["mean", "std", "count"])
print(by_window.round(2).to_string())

# %% [markdown]
# ## A run by epoch
#
# Let us look at a run with a deficit: its accuracy and the trace of the Fisher information, the window shaded.

# %%
chosen = finished[finished["deficit"] != "none"].iloc[0]
epochs = results.epochs(chosen["run_id"])
with style.style():
    figure, axes = style.figure(1, 2)
    for axis, column in zip(axes[0], ("test_accuracy", "fisher_trace"), strict=True):
        if column in epochs:
            known = epochs.dropna(subset=[column])
            axis.plot(known["epoch"], known[column], "o-")
        axis.axvspan(chosen["onset"], chosen["removal"], color=style.arm_colour("deficit"), alpha=0.15, linewidth=0)
        axis.set_xlabel("epochs trained")
        axis.set_ylabel(column.replace("_", " "))
figure.suptitle(f"{chosen['deficit']}, seed {chosen['seed']}")
figure.savefig("results/analysis.png")
figure

# %% [markdown]
# ## Its network and its data
#
# The network as it was at the end, on the test images as they are and as its deficit shows them.

# %%
network, data, spec = (get(chosen["run_id"]) for get in (results.model, results.dataset, results.spec))
batch = data.batch(data.test, torch.arange(len(data.test)))
for window in spec.timeline.windows:
    seen = window.deficit.apply(batch, seed=spec.seed, epoch=window.end)
    for words, shown in (("sharp", batch), (window.deficit.name, seen)):
        with torch.no_grad():
            right = network(*shown.inputs).argmax(1) == shown.labels
        print(f"{words:20} {100 * right.float().mean():.1f} %")

# %% [markdown]
# ## What if it had recovered at another rate?
#
# The trainer stands where the deficit ends, with the weights and the momentum of the run, and goes on at a third of the
# rate. With the epochs as they are (`spec.epoch_specs`) it would give the run's own bits.

# %%
trainer = results.trainer(chosen["run_id"], epoch=int(chosen["removal"]))
with trainer.arithmetic.applied():
    for acting in spec.epoch_specs[trainer.state.epoch :]:
        slow = replace(acting, rate=acting.rate / 3)
        trained = trainer.train_epoch(slow)
        print(f"epoch {trainer.state.epoch}: rate {trained['rate']:.4f}, loss {trained['train_loss']:.3f}")
    for measured in trainer.measure(slow, spec.probes):
        if "test_accuracy" in measured.columns:
            print(f"{measured.columns['test_accuracy']:.1f} % instead of {chosen['accuracy']:.1f} %")
