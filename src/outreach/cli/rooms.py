"""The table of commands: one line a room. A module is imported only to learn its commands."""

import typer

from outreach.cli import (
    audit,
    blocks,
    bounce,
    bounces,
    calendar,
    call_backs,
    campaigns,
    check,
    clients,
    consent,
    database,
    demo,
    doctor,
    explain,
    follow_ups,
    halts,
    inbound,
    incident,
    init,
    log,
    market,
    preferences,
    reconcile,
    replies,
    run,
    run_report,
    runs,
    schedule,
    segments,
    senders,
    serve,
    sms,
    survey,
    web,
    worker,
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
    app.add_typer(clients.watching, name="watching")
    app.add_typer(consent.app, name="consent")
    app.add_typer(preferences.app, name="preferences")
    app.add_typer(survey.app, name="survey")
    app.add_typer(follow_ups.app, name="follow-ups")
    app.add_typer(replies.app, name="replies")
    app.add_typer(halts.app, name="halts")
    app.add_typer(incident.app, name="incident")
    app.add_typer(market.app, name="market")
    app.add_typer(calendar.app, name="calendar")
    app.add_typer(call_backs.app, name="call-backs")
    app.add_typer(segments.app, name="segment")
    app.add_typer(audit.app, name="audit")
    app.command()(campaigns.plan)
    app.command()(campaigns.preview)
    app.command()(campaigns.approve)
    app.command()(campaigns.approvals)
    app.command()(schedule.schedule)
    app.command()(run.run)
    app.command()(serve.serve)
    app.add_typer(web.app, name="web")
    app.add_typer(runs.app, name="runs")
    app.add_typer(senders.app, name="senders")
    app.command()(worker.worker)
    app.command()(worker.workers)
    app.command()(reconcile.reconcile)
    app.command()(log.log)
    app.command()(explain.explain)
    app.command()(run_report.report)
    app.add_typer(bounce.app, name="bounce")
    app.add_typer(bounces.app, name="bounces")
    app.add_typer(blocks.app, name="blocks")
    app.add_typer(inbound.app, name="inbound")
    app.add_typer(sms.app, name="sms")
