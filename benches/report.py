"""The trend of `goldgate report` with pandas: one row a release and metric, from the same Parquet files."""

import glob
import math
import sys

import numpy
import pandas

rows = []
for release in sys.argv[2:]:
    files = sorted(glob.glob(f"{release}/**/*.parquet", recursive=True))
    columns = ["kind", "metric", "baseline", "candidate"]
    frame = pandas.concat([pandas.read_parquet(file, columns=columns) for file in files])
    frame = frame[frame["kind"] == "pair"]
    for metric, group in frame.groupby("metric", sort=False):
        whole = group.dropna(subset=["baseline", "candidate"])
        if metric.endswith("_ms"):
            values = numpy.log(whole["candidate"] / whole["baseline"])
            read = math.expm1
        else:
            values = whole["candidate"] - whole["baseline"]
            read = float
        mean, error = values.mean(), values.sem()
        half = 1.959963984540054 * error
        rows.append(
            {
                "candidate": release.rsplit("rollout=", 1)[-1],
                "metric": metric,
                "pairs": len(group),
                "missing": len(group) - len(whole),
                "baseline_mean": group["baseline"].mean(),
                "candidate_mean": group["candidate"].mean(),
                "difference": read(mean),
                "low": read(mean - half),
                "high": read(mean + half),
            }
        )
pandas.DataFrame(rows).to_csv(sys.argv[1], index=False)
