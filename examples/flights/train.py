#!/usr/bin/env python3
"""train.py [FILE] - trains a model of late departures from a training set, and prints how good it is.

    larder training-set --service delay_model --entities asks.csv --out training.parquet --as-known
    python3 train.py training.parquet

It learns from the earlier flights and is asked about the later ones, as it would be in use. The score is the area under
the ROC curve: of 100 pairs of a late flight and a punctual one, how often the late one is given the greater chance.
Needs pandas, pyarrow and scikit-learn.
"""
import sys

import pandas
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

LEARNT_FROM = 0.75  # of the flights, in order of time
WORDS = ["origin", "carrier"]
NOT_KNOWN_TO_THE_MODEL = ["event_timestamp", "flight", "other_origin", "tailnum", "dest", "late"]


def read(path):
    """Flights in order of time: what the model may know of each, and whether it left late."""
    flights = pandas.read_parquet(path).sort_values("event_timestamp", kind="stable")
    known = flights.drop(columns=NOT_KNOWN_TO_THE_MODEL)
    known["hour"] = flights["event_timestamp"].dt.tz_convert("America/New_York").dt.hour
    known[WORDS] = known[WORDS].astype("category")
    return known, flights["late"].astype(bool)


def main(path="training.parquet"):
    known, late = read(path)
    split = int(len(known) * LEARNT_FROM)
    model = HistGradientBoostingClassifier(max_iter=100, learning_rate=0.05, categorical_features="from_dtype",
                                           random_state=0)
    model.fit(known[:split], late[:split])
    chance = model.predict_proba(known[split:])[:, 1]
    # What somebody without a model would go by: how late the carrier has been in the last hours.
    rule = known["mean_delay"][split:].fillna(known["mean_delay"][:split].mean())
    print(f"{split:,} flights to learn from, {len(known) - split:,} to be asked about, of which "
          f"{late[split:].mean():.1%} left late")
    print(f"the carrier's mean delay alone: {roc_auc_score(late[split:], rule):.3f}")
    print(f"the model:                      {roc_auc_score(late[split:], chance):.3f}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
