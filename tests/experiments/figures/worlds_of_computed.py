"""Worlds in which every sentence of the figures that compute their table is true; see `test_figures`."""


def sensors(tags):
    """Without a sensor two layers are late with what it shared a task with, and with nothing else."""
    late = tags["layers"] == "two layers" and tags["sensors"] != "all sensors"
    return {"half_time_1_1": 1.0 * late, "half_time_1_2": -0.4 * late}


def mixtures(tags):
    """The further weights lie apart, the more units prefer a view; all prefer one where one half is there alone."""
    return {"rsv_polarised": {"one half": 0.8, "apart": 0.8, "between": 0.3, "alike": 0.0}[tags["law"]],
            "rsv_mean": 0.9 * (tags["law"] == "one half")}  # fmt: skip


WORLDS = {"cvpr2023/linear_sensor_drop": sensors, "cvpr2023/rsv_simulation": mixtures}
