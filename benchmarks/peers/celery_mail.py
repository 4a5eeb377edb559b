"""Celery with Redis: a task a recipient, each worker keeping its connection to the mail server.

    python celery_mail.py PORT COUNT REDIS_PORT

Runs with the packages of requirements.txt, apart from ours.
"""

import json
import os
import smtplib
import subprocess
import sys
import time
from email.message import EmailMessage

from celery import Celery
from sentences import SUBJECT, headers, html, text

app = Celery(
    "celery_mail",
    broker=f"redis://127.0.0.1:{os.environ.get('PEER_REDIS', '6379')}/0",
    task_ignore_result=True,
    worker_prefetch_multiplier=32,
)
_server: smtplib.SMTP | None = None


@app.task(name="send")
def send(n: int) -> None:
    global _server
    if _server is None:
        _server = smtplib.SMTP("127.0.0.1", int(os.environ["PEER_SMTP"]))
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = (
        "service@example.com", f"c{n}@example.com", SUBJECT,
    )  # fmt: skip
    for name, value in headers(n).items():
        message[name] = value
    message.set_content(text(n))
    message.add_alternative(html(n), subtype="html")
    _server.send_message(message)
    app.backend_counter.incr("sent")


def _counter() -> object:
    import redis

    return redis.Redis(port=int(os.environ.get("PEER_REDIS", "6379")))


app.backend_counter = _counter()


def main() -> None:
    port, count, redis_port = sys.argv[1:]
    os.environ |= {"PEER_SMTP": port, "PEER_REDIS": redis_port}
    app.conf.broker_url = f"redis://127.0.0.1:{redis_port}/0"
    app.backend_counter = counter = _counter()
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "celery_mail", "worker", "-c", "8",
         "--loglevel", "ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat"],
        env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    for n in range(int(count)):
        send.delay(n)
    while int(counter.get("sent") or 0) < int(count):
        time.sleep(0.05)
    worker.terminate()
    worker.wait()
    print(json.dumps({"sent": int(counter.get("sent"))}))


if __name__ == "__main__":
    main()
