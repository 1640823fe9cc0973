"""POST /api/images: one image in, its stored answer out."""

from starlette.requests import Request
from starlette.responses import Response

from edgeleuk.streaming.subjects import subject_finder
from edgeleuk.web.body import declared_bytes, read_body
from edgeleuk.web.params import MAX_SUBJECT, label_of_file, plain_text, query_values
from edgeleuk.web.problems import RefusalError, json_response
from edgeleuk.web.rates import client_key
from edgeleuk.web.services import Services, shown

_UNNAMED = "unnamed"
_subject_of = subject_finder()


class Uploads:
    """The endpoint. Whatever can be refused is refused before the image is read."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def post(self, request: Request) -> Response:
        """Classify the body, whose type is read from the bytes.

        The name and the subject are query parameters; without a subject, it is what a C-NMC file's name tells.
        """
        services, most = self._services, self._services.settings.limits.max_upload_bytes
        values = query_values(request, {"name": label_of_file, "subject": plain_text(MAX_SUBJECT)})
        client = client_key(request.client.host if request.client else None)
        declared = declared_bytes(request, most)
        with services.admission.ticket(client, declared) as ticket:
            wait_s = services.uploads.take(client)
            if wait_s > 0:
                raise RefusalError(429, "too many images a second from this client; slow down", retry_after_s=wait_s)
            body = await read_body(request, services.settings.limits, most)
            if not body.content:
                raise RefusalError(422, "the body is empty; expected the bytes of an image")
            ticket.read = True
            name = values.get("name", _UNNAMED)
            answer = await services.desk.answer(body, name, values.get("subject") or _subject_of(name))
        status = 200 if answer.known else 201
        return json_response(shown(answer.result) | {"known": answer.known}, status)
