"""django-post-office: one row a recipient, then its own queue sender in two processes.

    python post_office_mail.py PORT COUNT DATABASE_URL

Runs with the packages of requirements.txt, apart from ours.
"""

import json
import sys
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings


def main() -> None:
    port, count, url = int(sys.argv[1]), int(sys.argv[2]), urlsplit(sys.argv[3])
    host = unquote(url.query.removeprefix("host=")) or url.hostname
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql", "NAME": url.path[1:],
                "USER": url.username, "PASSWORD": url.password or "", "HOST": host,
                "PORT": url.port or "",
            }
        },
        INSTALLED_APPS=["post_office"], EMAIL_HOST="127.0.0.1", EMAIL_PORT=port,
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        TEMPLATES=[
            {"BACKEND": package, "APP_DIRS": True, "OPTIONS": {"context_processors": []}}
            for package in (
                "django.template.backends.django.DjangoTemplates",
                "post_office.template.backends.post_office.PostOfficeTemplates",
            )
        ],
        POST_OFFICE={"BATCH_SIZE": 1000, "BATCH_DELIVERY_TIMEOUT": 3600,
                     "THREADS_PER_PROCESS": 5, "LOG_LEVEL": 1},
    )  # fmt: skip
    django.setup()
    from django.core.management import call_command
    from post_office import mail
    from post_office.models import STATUS, Email
    from sentences import SUBJECT, headers, html, text

    call_command("migrate", verbosity=0)
    for first in range(0, count, 1000):
        numbers = range(first, min(first + 1000, count))
        mail.send_many([
            {"sender": "service@example.com", "recipients": [f"c{n}@example.com"],
             "subject": SUBJECT, "message": text(n), "html_message": html(n),
             "headers": headers(n)}
            for n in numbers
        ])  # fmt: skip
    while Email.objects.filter(status=STATUS.queued).exists():
        call_command("send_queued_mail", processes=2, verbosity=0)
    print(json.dumps({"sent": Email.objects.filter(status=STATUS.sent).count()}))


if __name__ == "__main__":
    main()
