"""Every route × everyone who may ask: the route table decides, and no handler forgets to."""

import warnings
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from jupyter_server.auth import AllowAllAuthorizer, Authorizer, IdentityProvider, User
from jupyter_server.utils import JupyterServerAuthWarning

from aiplat_jupyter.core.records import Identity, NewToken
from aiplat_jupyter.pytest_plugin import Ask
from aiplat_jupyter.server.routes import ROUTES, handlers
from tests.server.world import CASES, NOUNS, Case, Worlds, build, name, send

ROLES = ["stranger", "viewer", "editor", "owner"]


class Named(IdentityProvider):
    """Believes the header ``X-Person``, as a proxy in front would set it."""

    def get_user(self, handler: Any) -> User | None:
        name = handler.request.headers.get("X-Person")
        return User(username=name) if name else None

    def is_token_authenticated(self, handler: Any) -> bool:
        return True


class ReadOnly(Authorizer):
    """Lets nobody write."""

    def is_authorized(self, handler: Any, user: User, action: str, resource: str) -> bool:
        assert resource == "aiplat"
        return action == "read"


def test_every_route_has_a_case() -> None:
    assert {name(route) for route in ROUTES} == set(CASES)


class TestPeople:
    """An identity provider that names people: roles in projects count."""

    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any]) -> dict[str, Any]:
        jp_server_config["ServerApp"]["identity_provider_class"] = Named
        return jp_server_config

    @pytest.mark.parametrize("noun", NOUNS)
    async def test_roles(self, aiplat_ask: Ask, noun: str) -> None:
        worlds = Worlds(aiplat_ask)
        for route, who in product(NOUNS[noun], ROLES):
            minted = await aiplat_ask("POST", "auth/token", {"name": "t"}, headers={"X-Person": who}, status=201)
            answer = await worlds.send(route, {"X-Person": who}, minted.record["token"]["uid"])
            assert answer.status in expected(CASES[name(route)], who), (name(route), who, answer)

    async def test_nobody_is_let_in_without_a_name(self, aiplat_ask: Ask) -> None:
        assert (await aiplat_ask("GET", "projects", status=401)).record["code"] == "unauthenticated"

    async def test_a_token_is_its_owners(self, aiplat_ask: Ask) -> None:
        minted = await aiplat_ask("POST", "auth/token", {"name": "t"}, headers={"X-Person": "ada"}, status=201)
        bearer = {"Authorization": f"Bearer {minted.record['secret']}", "X-Person": "eve"}
        assert (await aiplat_ask("GET", "server", headers=bearer)).record["user"]["username"] == "ada"
        theirs = (await aiplat_ask("GET", "auth/tokens", headers={"X-Person": "eve"})).record
        assert theirs == []
        uid = minted.record["token"]["uid"]
        await aiplat_ask("DELETE", f"auth/tokens/{uid}", headers={"X-Person": "eve"}, status=404)


def expected(case: Case, who: str) -> set[int]:
    if case.role == "agent":
        return {403}
    if case.role is None or (who == "stranger" and not case.hides):
        return {200, 201, 204}
    if who == "stranger":
        return {404}
    return {200, 201, 204} if ROLES.index(who) >= ROLES.index(case.role) else {403}


async def mint(ask: Ask, scopes: list[str], **more: Any) -> tuple[str, dict[str, str]]:
    minted = (await ask("POST", "auth/token", {"name": "t", "scopes": scopes, **more}, status=201)).record
    return minted["token"]["uid"], {"Authorization": f"Bearer {minted['secret']}"}


class TestCredentials:
    """Jupyter's stock provider: one local account, and tokens with scopes."""

    @pytest.mark.parametrize("noun", NOUNS)
    async def test_scopes(self, aiplat_ask: Ask, noun: str) -> None:
        worlds = Worlds(aiplat_ask)
        for route, scopes in product(NOUNS[noun], (["read"], ["read", "write"], ["read", "write", "admin"])):
            uid, bearer = await mint(aiplat_ask, scopes)
            answer = await worlds.send(route, bearer, uid)
            assert (answer.status == 403) == (route.scope not in scopes), (name(route), scopes)
            assert answer.status in {200, 201, 204, 403}, (name(route), answer)

    async def test_the_local_account_may_do_everything(self, aiplat_ask: Ask) -> None:
        worlds = Worlds(aiplat_ask)
        for route in ROUTES:
            uid, _ = await mint(aiplat_ask, ["read"])
            answer = await worlds.send(route, {}, uid)
            assert answer.status in {200, 201, 204}, (name(route), answer)

    @pytest.mark.parametrize("kind", ["nobody", "jupyter", "forged", "revoked", "expired"])
    async def test_strangers_are_told_nothing(self, aiplat_app: Any, aiplat_ask: Ask, kind: str) -> None:
        aiplat_app.guesses._limit = 1000
        world = await build(aiplat_ask)
        uid, bearer = await mint(aiplat_ask, ["read", "write", "admin"], expires_in=1e-6 if kind == "expired" else None)
        if kind == "revoked":
            await aiplat_ask("DELETE", f"auth/tokens/{uid}", status=204)
        headers = {
            "nobody": {"Authorization": ""},
            "jupyter": {"Authorization": "token 0123456789"},
            "forged": {"Authorization": "Bearer aip_0123456789"},
        }.get(kind, bearer)
        for route in ROUTES:
            answer = await send(aiplat_ask, route, world, headers, uid)
            assert (answer.status, answer.record["code"]) == (401, "unauthenticated"), name(route)
            assert answer.headers["Content-Type"] == "application/problem+json"

    async def test_a_token_sets_no_cookie_and_opens_nothing_of_jupyters(
        self, aiplat_ask: Ask, jp_fetch: Callable[..., Any]
    ) -> None:
        _, bearer = await mint(aiplat_ask, ["read", "write", "admin"])
        for method, path, body in (("GET", "projects", None), ("POST", "projects", {"name": "p"})):
            answer = await aiplat_ask(method, path, body, headers=bearer, status=None)
            assert answer.status < 300
            assert "Set-Cookie" not in answer.headers
        for path in ("api/contents", "api/kernels", "api/status"):
            assert (await jp_fetch(path, headers=bearer, raise_error=False)).code == 403

    async def test_guessing_is_slowed_down(self, aiplat_ask: Ask) -> None:
        _, bearer = await mint(aiplat_ask, ["read"])
        await aiplat_ask("GET", "projects", headers=bearer)
        forged = {"Authorization": "Bearer aip_0123456789"}
        answers = [await aiplat_ask("GET", "projects", headers=forged, status=None) for _ in range(30)]
        assert [answer.status for answer in answers] == [401] * 20 + [429] * 10
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
        await aiplat_ask("GET", "projects", headers=bearer)
        await aiplat_ask("GET", "projects")

    async def test_secrets_are_answered_once(self, aiplat_ask: Ask) -> None:
        uid, bearer = await mint(aiplat_ask, ["read"])
        listed = await aiplat_ask("GET", "auth/tokens")
        assert uid in [token["uid"] for token in listed.record]
        assert bearer["Authorization"].partition(" ")[2].encode() not in listed.body


class TestAuthorizer:
    """Jupyter's authorizer is asked, whichever credential comes."""

    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any]) -> dict[str, Any]:
        jp_server_config["ServerApp"]["authorizer_class"] = ReadOnly
        return jp_server_config

    async def test_it_is_asked(self, aiplat_app: Any, aiplat_ask: Ask) -> None:
        services = await aiplat_app.services()
        minted = await services.tokens.mint(aiplat_app.local, NewToken(name="t"))
        for headers in ({}, {"Authorization": f"Bearer {minted.secret}"}):
            await aiplat_ask("GET", "projects", headers=headers)
            refused = await aiplat_ask("POST", "projects", {"name": "p"}, headers=headers, status=403)
            assert "authorizer" in refused.record["detail"]


class HubUser(User):
    """A user as JupyterHub's provider makes it, with the hub's record."""

    def __init__(self, name: str) -> None:
        super().__init__(username=name)
        self.hub_user = {"name": name}


class HubProvider(Named):
    """Names people as JupyterHub does."""

    def get_user(self, handler: Any) -> User | None:
        name = handler.request.headers.get("X-Person")
        return HubUser(name) if name else None


class HubAuthorizer(Authorizer):
    """Reads the hub's record, which other users do not have."""

    __module__ = "jupyterhub.singleuser.extension"

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return bool(user.hub_user["name"] != "eve")


class TestHub:
    """A single-user server of JupyterHub, which has an authorizer but uses it only where it is told to."""

    @pytest.fixture(params=[AllowAllAuthorizer, HubAuthorizer])
    def jp_server_config(
        self, jp_server_config: dict[str, Any], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
    ) -> dict[str, Any]:
        monkeypatch.setenv("JUPYTERHUB_USER", "ada")
        jp_server_config["ServerApp"] |= {"identity_provider_class": HubProvider, "authorizer_class": request.param}
        return jp_server_config

    async def test_kernels_log_as_the_person(self, aiplat_app: Any, aiplat_ask: Ask) -> None:
        services = await aiplat_app.services()
        minted = await services.tokens.mint(aiplat_app.local, NewToken(name="kernel"))
        kernel = {"Authorization": f"Bearer {minted.secret}"}
        made = (await aiplat_ask("POST", "experiments", {"project": "p"}, headers=kernel, status=201)).record
        seen = (await aiplat_ask("GET", "experiments", headers={"X-Person": "ada"})).record["items"]
        assert [row["uid"] for row in seen] == [made["uid"]]
        assert made["owner"] == "ada"

    async def test_tokens_of_others_in_the_same_database_are_refused(self, aiplat_app: Any, aiplat_ask: Ask) -> None:
        services = await aiplat_app.services()
        for person, status in (("eve", 403), ("ada", 200)):
            minted = await services.tokens.mint(Identity(username=person), NewToken(name="t"))
            await aiplat_ask("GET", "tasks", headers={"Authorization": f"Bearer {minted.secret}"}, status=status)

    async def test_its_log_has_what_was_refused(self, aiplat_ask: Ask, jp_web_app: Any) -> None:
        logged: list[int] = []
        jp_web_app.settings["log_function"] = lambda handler: logged.append(handler.get_status())
        await aiplat_ask("GET", "experiments", headers={"X-Person": "ada"})
        await aiplat_ask("GET", "experiments/unknown", headers={"X-Person": "ada"}, status=404)
        assert logged == [404]

    async def test_its_authorizer_decides_about_its_users(self, aiplat_ask: Ask, jp_serverapp: Any) -> None:
        is_asked = isinstance(jp_serverapp.authorizer, HubAuthorizer)
        await aiplat_ask("GET", "experiments", headers={"X-Person": "eve"}, status=403 if is_asked else 200)


def test_no_handler_forgets_to_check(jp_web_app: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", JupyterServerAuthWarning)
        jp_web_app.add_handlers(".*$", handlers())
