"""The table of commands: one line a room. A module is imported only to learn its commands."""

import typer

from outreach.cli import (
    audit,
    calendar,
    campaigns,
    check,
    clients,
    consent,
    database,
    demo,
    doctor,
    explain,
    halts,
    incident,
    init,
    log,
    market,
    run,
    run_report,
    runs,
    schedule,
    segments,
    serve,
)


def add_to(app: typer.Typer) -> None:
    """Add every room's commands."""
    app.command()(init.init)
    app.command()(demo.demo)
    app.command()(check.check)
    app.command()(check.schema)
    app.command()(doctor.doctor)
    app.add_typer(database.app, name="db")
    app.add_typer(clients.clients, name="clients")
    app.add_typer(clients.holdings, name="holdings")
    app.add_typer(consent.app, name="consent")
    app.add_typer(halts.app, name="halts")
    app.add_typer(incident.app, name="incident")
    app.add_typer(market.app, name="market")
    app.add_typer(calendar.app, name="calendar")
    app.add_typer(segments.app, name="segment")
    app.add_typer(audit.app, name="audit")
    app.command()(campaigns.plan)
    app.command()(campaigns.preview)
    app.command()(campaigns.approve)
    app.command()(campaigns.approvals)
    app.command()(schedule.schedule)
    app.command()(run.run)
    app.command()(serve.serve)
    app.add_typer(runs.app, name="runs")
    app.command()(runs.worker)
    app.command()(log.log)
    app.command()(explain.explain)
    app.command()(run_report.report)
