"""The handler that all routes share: who asks, what they ask, and how they are answered."""

import asyncio
import hashlib
import math
import secrets
from types import TracebackType
from typing import Any, ClassVar, Final, Protocol, cast

from jupyter_core.utils import ensure_async
from jupyter_server.auth import User
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import APIHandler
from tornado import web

from aiplat_jupyter.core.errors import (
    Forbidden,
    InvalidInput,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from aiplat_jupyter.core.ids import is_uid
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.server import accounts, wire
from aiplat_jupyter.server.call import Created, Services
from aiplat_jupyter.server.problems import MEDIA_TYPE, is_expected, problem_of
from aiplat_jupyter.server.route import Route
from aiplat_jupyter.server.throttle import Guesses

RESOURCE: Final = "aiplat"
"""What Jupyter's authorizer is asked about."""
MAX_KEY: Final = 200
_ACTIONS: Final = {"GET": "read", "HEAD": "read"}


class App(Protocol):
    """What handlers need of the extension."""

    local: Identity
    guesses: Guesses

    async def services(self) -> Services:
        """Return the running platform; raise `Unavailable` if it did not start."""


class Handler(APIHandler):
    """Answers the verbs of one path. Its subclasses are made from the route table."""

    routes: ClassVar[dict[str, Route]] = {}
    who: Identity
    at: Services

    @property
    def app(self) -> App:
        """The extension."""
        return cast("App", self.settings["aiplat_jupyter"])

    async def prepare(self) -> None:  # type: ignore[override]  # the base class may return nothing, or an awaitable
        """Let the request in, or raise `Unauthenticated`, `Forbidden`, `RateLimited` or `Unavailable`."""
        if not self.check_host():
            raise Forbidden(
                f"This server does not answer to the name {self.request.host}.",
                hint="Set ServerApp.allow_remote_access, or use the name that it listens on.",
            )
        if self.request.method == "OPTIONS":
            await super().prepare()
            return
        secret = self._bearer()
        self.who = await (self._let_in_by_jupyter() if secret is None else self._let_in_by_token(secret))
        self._check_scope()

    def _bearer(self) -> str | None:
        return accounts.bearer_of(self.request.headers.get("Authorization", ""))

    async def _let_in_by_token(self, secret: str) -> Identity:
        """Check one of our own tokens. Jupyter's identity provider, which would set a cookie, is not asked."""
        self.current_user = self._jupyter_current_user = None
        address = self.request.remote_ip or ""
        self.app.guesses.check(address, secret)
        self.at = await self._services_for_strangers()
        who = await self.at.tokens.identify(secret)
        if who is None:
            self.app.guesses.refused(address)
            raise Unauthenticated("This token is unknown, revoked or has expired.", hint="Mint another one.")
        self.app.guesses.accepted(secret)
        self.current_user = self._jupyter_current_user = User(username=who.username)
        self.set_cors_headers()
        if self._is_of_someone_else(who):
            raise Forbidden(f"This is the server of {self.app.local.username}.", hint="Ask a server of your own.")
        if not self._has_hubs_authorizer():
            await self._ask_authorizer()
        return who

    async def _services_for_strangers(self) -> Services:
        try:
            return await self.app.services()
        except Unavailable as error:
            raise type(error)("The platform does not run.", hint="The Jupyter server's log says why.") from error

    async def is_still_welcome(self) -> bool:
        """Tell whether the token that a long answer was asked for with has neither been revoked nor expired."""
        secret = self._bearer()
        return secret is None or await self.at.tokens.identify(secret) is not None

    def _has_hubs_authorizer(self) -> bool:
        """JupyterHub's own authorizer reads the hub's record of a user, which a token of ours does not have."""
        return any(kind.__module__.startswith("jupyterhub.") for kind in type(self.authorizer).__mro__)

    def _is_of_someone_else(self, who: Identity) -> bool:
        """Tell whether a single-user server is another person's; a shared database knows the tokens of many."""
        local = self.app.local
        return not (local.is_admin or who.is_admin or who.username == local.username)

    def _log(self) -> None:
        """Log the request. JupyterHub has a line for each; what is answered comes several times a second, for days."""
        is_answered = self.get_status() < 400 and hasattr(self, "who")
        if not is_answered or self.app.local.is_admin:
            super()._log()

    async def _let_in_by_jupyter(self) -> Identity:
        try:
            await super().prepare()
        except web.HTTPError:
            if self.current_user:
                raise
        if not self.current_user:
            if "Authorization" in self.request.headers:
                self.app.guesses.refused(self.request.remote_ip or "")
                self.app.guesses.check(self.request.remote_ip or "", "")
            raise Unauthenticated("Nobody is signed in.", hint="Sign in to Jupyter, or send an aiplat token.")
        await self._ask_authorizer()
        self.at = await self.app.services()
        who = accounts.identity_of(self.current_user, self.identity_provider, self.app.local)
        await self.at.users.seen(who)
        return who

    async def _ask_authorizer(self) -> None:
        action = _ACTIONS.get(self.request.method or "", "write")
        if not await ensure_async(self.authorizer.is_authorized(self, self.current_user, action, RESOURCE)):
            raise Forbidden(f"Jupyter's authorizer does not let you {action} {RESOURCE}.")

    def _check_scope(self) -> None:
        route = self.routes.get(self.request.method or "")
        if route is None:
            return
        self._track_activity = route.is_activity
        if route.scope not in self.who.scopes:
            has = ", ".join(sorted(self.who.scopes)) or "none"
            raise Forbidden(
                f"This needs a token with the scope {route.scope}; yours has {has}.", hint="Mint another token."
            )

    def check_xsrf_cookie(self) -> None:
        """Check the cookie, which a request with a token of ours does not need: no browser sends one by itself."""
        if self._bearer() is None:
            super().check_xsrf_cookie()

    @property
    def content_format(self) -> str:
        """Media type that the caller wants."""
        return wire.format_of(self.request.headers.get("Accept", ""))

    async def act(self, **path: str) -> None:
        """Run the verb and answer."""
        route = self.routes[self.request.method or ""]
        arguments = self._arguments(route, path)
        key = self.request.headers.get("Idempotency-Key")
        if key is None or not route.is_replayed:
            self.answer(*await self._run(route, arguments))
        else:
            await self._run_once(key, route, arguments)

    def _arguments(self, route: Route, path: dict[str, str]) -> dict[str, Any]:
        if not is_uid(path.get("uid", "any")):
            raise NotFound("No such thing: a uid has letters, digits, _ and - only.")
        arguments: dict[str, Any] = dict(path)
        if route.query is not None:
            arguments["query"] = wire.decode_query(route.query, self.request.query)
        if route.body is not None:
            arguments["body"] = self._body(route)
        return arguments

    def _body(self, route: Route) -> Any:
        if len(self.request.body) > route.limit:
            raise TooLarge(
                f"The body has {len(self.request.body):,} bytes; {route.limit:,} are taken.", hint="Send it in parts."
            )
        return wire.decode_body(route.body, self.request.body, self.request.headers.get("Content-Type", ""))

    async def _run(self, route: Route, arguments: dict[str, Any]) -> tuple[int, bytes]:
        answer = await route.act(self.at, self.who, **arguments)
        if answer is None:
            return 204, b""
        if isinstance(answer, Created):
            return 201 if answer.is_new else 200, wire.encode(answer.record, self.content_format)
        return route.status, await wire.encode_apart(answer, self.content_format)

    async def _run_once(self, key: str, route: Route, arguments: dict[str, Any]) -> None:
        """Answer a request that was sent before, by its ``Idempotency-Key``, with what it was answered then."""
        if not 0 < len(key) <= MAX_KEY:
            raise InvalidInput("The Idempotency-Key is too long.", fields={"Idempotency-Key": f"At most {MAX_KEY}."})
        from aiplat_jupyter.services.replays import Answer

        replays, answer = self.at.replays, None
        if kept := await replays.begin(self.who, key, self._digest()):
            self.answer(*kept)
            return
        try:
            answer = Answer(*await self._run(route, arguments))
        finally:
            await asyncio.shield(replays.end(self.who, key, answer))
        self.answer(*answer)

    def _digest(self) -> str:
        asked = f"{self.request.method} {self.request.uri} {self.content_format}\n".encode()
        return hashlib.sha256(asked + self.request.body).hexdigest()

    def answer(self, status: int, body: bytes) -> None:
        """Send an encoded answer."""
        self.set_status(status)
        self._set_answer_headers()
        self.finish(body or None, set_content_type=self.content_format)

    def _set_answer_headers(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("Vary", "Accept, Authorization, Cookie")

    def compute_etag(self) -> None:
        """Answers are not to be kept, so they need no tag."""

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log what does not explain itself, beside the reference that the answer tells."""
        if is_expected(value):
            self.log.debug("%s %s: %s", self.request.method, self.request.path, value)
            return
        self._reference = secrets.token_hex(4)
        self.log.error(
            "%s %s failed, reference %s",
            self.request.method,
            self.request.path,
            self._reference,
            exc_info=(typ, value, tb),  # type: ignore[arg-type]  # all three are there, or none
        )

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer a problem document."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        problem = problem_of(error, status_code, getattr(self, "_reference", ""))
        self.set_status(problem.status)
        self._set_answer_headers()
        for name, value in self._headers_of(error, problem.status).items():
            self.set_header(name, value)
        self.finish(wire.encode(problem, wire.JSON), set_content_type=MEDIA_TYPE)

    def _headers_of(self, error: BaseException | None, status: int) -> dict[str, str]:
        if isinstance(error, RateLimited):
            return {"Retry-After": str(math.ceil(error.retry_after))}
        by_status = {
            401: {"WWW-Authenticate": "Bearer"},
            405: {"Allow": ", ".join(self.routes)},
            503: {"Retry-After": "2"},
        }
        return by_status.get(status, {})


class NoSuchRoute(Handler):
    """Answers every path of ours that is in no route."""

    @allow_unauthenticated
    async def act(self, **_path: str) -> None:
        """Refuse."""
        raise NotFound(f"There is no {self.request.path}.", hint="GET aiplat/api/v1/openapi tells what there is.")

    get = post = put = patch = delete = act
