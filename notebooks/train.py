"""Trains a classifier on scikit-learn's handwritten digits: by hand, or as a task (see 03_tasks.ipynb)."""

import argparse
import logging

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

import aiplat_jupyter as aiplat

log = logging.getLogger("train")


def main() -> None:
    """Train, log every batch, say every epoch how it goes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=20)
    config = vars(parser.parse_args())
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")

    images, labels = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(images / 16, labels, random_state=0, stratify=labels)
    model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=config["lr"], random_state=0)
    random, digits, step, best = np.random.default_rng(0), np.arange(10), 0, 0.0
    with aiplat.init(config=config) as exp:
        for epoch in range(config["epochs"]):
            order = random.permutation(len(x_train))
            for batch in np.array_split(order, len(order) // config["batch"]):
                model.partial_fit(x_train[batch], y_train[batch], classes=digits)
                loss = log_loss(y_train[batch], model.predict_proba(x_train[batch]), labels=digits)
                exp.log({"loss": loss, "epoch": epoch}, step=step)
                step += 1
            accuracy = model.score(x_test, y_test)
            exp.log({"accuracy": accuracy}, step=step - 1)
            exp.progress(epoch + 1, config["epochs"])
            log.info("epoch %d loss %.4f accuracy %.4f", epoch, loss, accuracy)
            if accuracy < best:
                log.warning("accuracy fell from %.4f to %.4f", best, accuracy)
            best = max(best, accuracy)
            if exp.should_stop:
                break
        exp.summary["accuracy"] = best


if __name__ == "__main__":
    main()
