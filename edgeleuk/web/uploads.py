"""POST /api/images: one image in, its stored answer out."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from edgeleuk.classify.desk import Answer
from edgeleuk.classify.steps import Upload
from edgeleuk.classify.subjects import subject_finder
from edgeleuk.store.record import readable
from edgeleuk.web.body import declared_bytes, read_body
from edgeleuk.web.news import shown
from edgeleuk.web.params import MAX_SUBJECT, label_of_file, plain_text, query_values
from edgeleuk.web.problems import RefusalError, json_response
from edgeleuk.web.rates import client_of
from edgeleuk.web.services import Services

_UNNAMED = "unnamed"
_MOST_NAMES = 20
_LEFTOVERS = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_subject_of = subject_finder()


class Uploads:
    """The endpoint. Whatever can be refused is refused before the image is read."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def post(self, request: Request) -> Response:
        """Classify the body, whose type is read from the bytes.

        The name and the subject are query parameters; without a subject, it is what a C-NMC file's name tells.
        """
        services = self._services
        values = query_values(request, {"name": label_of_file, "subject": plain_text(MAX_SUBJECT)})
        name = values.get("name", _UNNAMED)
        if is_leftover(name):
            raise RefusalError(
                "not-an-image", f"{name!r} is not an image: systems leave such files in folders; it was skipped"
            )
        refuse_form(request)
        try:
            answer = await self._answer(request, name, values.get("subject") or _subject_of(name))
        except RefusalError as refusal:
            if refusal.told_s is not None:
                await services.patience.before_refusal(client_of(request), refusal.told_s)
            raise
        status = 200 if answer.known else 201
        return json_response(_told(answer, name), status)

    async def _answer(self, request: Request, name: str, subject: str | None) -> Answer:
        """Raises RefusalError that tells when to come again if there is no room for it, before the image is read."""
        services, limits = self._services, self._services.settings.limits
        client, declared = client_of(request), declared_bytes(request, limits.max_upload_bytes)
        with services.admission.ticket(client, declared) as ticket:
            services.take_upload(client)
            body = await read_body(request, limits, limits.max_upload_bytes)
            if not body.content:
                raise RefusalError("not-an-image", "the body is empty; expected the bytes of an image")
            services.admission.arrived(ticket)
            return await services.desk.answer(Upload(name, body.content, body.sha256, subject))


def _told(answer: Answer, name: str) -> dict[str, Any]:
    """The result, and how its content was called: now, and before."""
    before = (answer.result.path, *answer.names)
    names = [readable(other) for other in dict.fromkeys(before) if other != name][:_MOST_NAMES]
    return shown(answer.result) | {"known": answer.known, "name": name, "names": names}


def refuse_form(request: Request) -> None:
    """Raise RefusalError (415) for a form, whose parts would be taken for a damaged image and kept as a failure."""
    if request.headers.get("content-type", "").strip().lower().startswith("multipart/"):
        raise RefusalError(
            "wrong-type",
            "got a form; expected the bytes of the image as they are, such as: "
            "curl --data-binary @cell.bmp 'http://.../api/images?name=cell.bmp'",
        )


def is_leftover(name: str) -> bool:
    """Whether a file of that name is one that a system makes beside those of people."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return last.startswith("._") or last.lower() in _LEFTOVERS
