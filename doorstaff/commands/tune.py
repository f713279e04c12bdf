"""``doorstaff tune``: thresholds, points and the text model, held against labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contracts.ids import AccountId
from detectors.knowledge import Knowledge
from detectors.text_model import TextModel, model_text, percent
from doorstaff.commands.replay import to_places
from doorstaff.console_output import progress
from doorstaff.database import found_database
from doorstaff.errors import DoorstaffError
from doorstaff.interpreter import calm_collector
from doorstaff.knowledge import choose_knowledge
from doorstaff.ruleset import choose_ruleset
from doorstaff.settings import Settings, load_settings
from store.decision import every_decision
from tuning.label import Labels, labels_of, read_labels
from tuning.learning import learn
from tuning.pricing import FOLDS, Pricing, price
from tuning.recording import open_recording
from tuning.report import Fitted, best_threshold, report
from tuning.report import percent as share
from tuning.sweep import THRESHOLDS, Sweep, sweep
from tuning.trial import Trial


def tune(  # noqa: PLR0917 -- typer gives options their names
    file: Annotated[Path, typer.Argument(help="Events, one JSON object a line.", exists=True)],
    labels: Annotated[
        Path | None,
        typer.Option(
            help="CSV with account_id and label (fraud, spam, … or ok, ham, …). Decisions in SQL"
            " and in FILE are labels too; the CSV overrules them."
        ),
    ] = None,
    ruleset: Annotated[
        Path | None, typer.Option(help="Ruleset file; if not given, what a worker would take.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Text model to judge by, in place of the one in force.")
    ] = None,
    report_to: Annotated[
        Path | None, typer.Option("--report", help="Write a page with charts here, HTML.")
    ] = None,
    fit: Annotated[
        Path | None,
        typer.Option(help="Fit a text model to what labelled accounts wrote, and write it here."),
    ] = None,
    points: Annotated[
        bool,
        typer.Option(
            "--points",
            help="Propose points for signals, fitted to the labels, and say what each would come"
            " to. Takes a while on a long recording.",
        ),
    ] = False,
    max_false: Annotated[
        float,
        typer.Option(
            min=0,
            max=50,
            help="With --fit: percent of good accounts' texts that the model may call spam,"
            " cross-validated.",
        ),
    ] = 1.0,
) -> None:
    """Hold thresholds and points against labels, on recorded events: what each would have come to.

    Nothing is published: `ruleset publish` and `model publish` do that.
    """
    outputs = [path for path in (report_to, fit) if path is not None]
    if any(path.resolve() == one.resolve() for path in outputs for one in (file, labels) if one):
        message = "--report or --fit would overwrite what is read"
        raise typer.BadParameter(message)
    if not file.is_file():
        message = "FILE is read twice, in two orders: a pipe or a folder will not do"
        raise typer.BadParameter(message)
    calm_collector()
    settings = load_settings()
    rules, whence = choose_ruleset(settings, named=ruleset)
    knowledge = choose_knowledge(settings, model=model)
    by_hand = read_labels(labels) if labels else {}
    with progress("Ordering", file.stat().st_size) as advance:
        recording = open_recording(file, to_places(advance))
    with progress("Reading", recording.size) as advance:
        trial = Trial.of(recording, rules, knowledge, to_places(advance))
    known = _decided(settings) | labels_of(trial.decisions) | by_hand
    if not known:
        message = "no labels: give --labels, or a recording or a database with decisions"
        raise DoorstaffError(message)
    with progress("Sweeping", len(THRESHOLDS) + 1) as advance:
        swept = sweep(trial, known, advance)
    typer.echo(f"Ruleset   {rules.version} ({whence})")
    if trial.broken:
        typer.echo(f"Lines     {trial.broken:,} broken (left out)")
    _tell(swept)
    if points:
        with progress("Fitting", FOLDS + 1) as advance:
            pricing = price(trial, known, advance)
        _tell_pricing(pricing, swept)
    fitted = _fit(trial, known, knowledge, fit, max_false / 100) if fit else None
    if report_to is not None:
        page = report(
            swept,
            recording=file.name,
            labels=labels.name if labels else "decisions",
            fitted=fitted,
        )
        _write(report_to, page)
        typer.echo(f"Report    {report_to}")


def _decided(settings: Settings) -> Labels:
    with found_database(settings) as engine:
        if engine is None:
            return {}
        with engine.connect() as connection:
            return labels_of(every_decision(connection))


def _fit(
    trial: Trial, labels: Labels, knowledge: Knowledge, file: Path, max_false_share: float
) -> Fitted:
    learned: tuple[TextModel, Fitted] = learn(
        trial.texts,
        {AccountId(account): bad for account, bad in labels.items()},
        name=file.stem,
        before=knowledge.text_model,
        max_false_share=max_false_share,
    )
    model, fitted = learned
    _write(file, model_text(model))
    bad, good = fitted.texts
    typer.echo(
        f"Model     {file}: {bad:,} texts of bad accounts, {good:,} of good ones; speaks from"
        f" {percent(model.threshold)} % on"
    )
    typer.echo(f"          `doorstaff model publish {file}` puts it in force")
    return fitted


def _tell(swept: Sweep) -> None:
    now = swept.now
    typer.echo(
        f"Accounts  {swept.accounts:,}, {swept.labelled:,} labelled, {now.score.bad:,} of them bad"
    )
    typer.echo("Review from   accounts  precision   recall   alerts")
    for one in swept.thresholds:
        here = "  <- now" if one.review == swept.ruleset.thresholds.review else ""
        typer.echo(
            f"{one.review:11}{one.score.found:11,}{share(one.score.precision):>11}"
            f"{share(one.score.recall):>9}{one.alerts.total():9,}{here}"
        )
    if best := best_threshold(swept):
        typer.echo(f"Best F1   {share(best[1].f1)}, at a review from {best[0]}")


def _tell_pricing(pricing: Pricing, swept: Sweep) -> None:
    if not pricing.proposals:
        typer.echo("Points    none that the labels would have changed")
        return
    typer.echo("Points                        now   fitted   right    wrong   alerts")
    rows = [("as they are", "", "", swept.now)]
    rows += [(one.code, str(one.now), str(one.fitted), one.alone) for one in pricing.proposals]
    rows.append(("all of them", "", "", pricing.together))
    for name, now, then, at in rows:
        typer.echo(
            f"{name:26}{now:>7}{then:>9}{at.score.right:8,}{at.score.wrong:9,}"
            f"{at.alerts.total():9,}"
        )
    seen, unseen = pricing.unseen_now, pricing.unseen
    typer.echo(
        f"On accounts not fitted to: {unseen.right:,} of {unseen.bad:,} bad ones and"
        f" {unseen.wrong:,} good ones for review; now {seen.right:,} and {seen.wrong:,}"
    )
    typer.echo("Put into a ruleset what you agree with: nothing was changed")


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        message = f"{file}: {error.strerror}"
        raise DoorstaffError(message) from None
