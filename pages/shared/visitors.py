"""Who looks at the app: the e-mail address that Streamlit's login names, when the server wants a login.

Pages learn it from ``st.user``. Photos and maps are asked for by plain requests, which bring the same signed cookie.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from kec_core.errors import InputError
from state.server import access
from state.workspace.workspace import Workspace


def of_page() -> str:
    """The address of whoever looks at this page, "" when nobody who is let in has logged in."""
    return _admitted(st.user.to_dict()) if is_login_wanted() else ""


def of_cookies(cookies: Mapping[str, str]) -> str:
    """The address of whoever sends these cookies, "" when they prove none that is let in."""
    if not is_login_wanted():
        return ""
    secret = get_cookie_secret()

    def signed(name: str) -> bytes | None:
        value = cookies.get(name)
        return (
            None if value is None else decode_signed_value(secret, name, value.encode("latin-1", "replace"))
        )

    claims = get_cookie_with_chunks(signed, USER_COOKIE_NAME)
    return "" if claims is None else _admitted(json.loads(claims))


def is_login_wanted() -> bool:
    """Whether this server asks who comes."""
    return access.server_config() is not None


def workspace(email: str) -> Workspace:
    """What a person may see.

    Args:
        email: from ``of_page`` or ``of_cookies``; not looked at when no login is wanted.

    Raises:
        InputError: a login is wanted and there is none.
    """
    config = access.server_config()
    if config is None:
        return Workspace(images_roots=access.roots_from_environment())
    if not email:
        raise InputError(
            "This server asks for a login, but nobody is logged in here; reload the page and log in."
        )
    return config.workspace(email)


def _admitted(claims: Mapping[str, Any]) -> str:
    """The address that a login proves: one that its provider does not know to be unconfirmed, and that is let in."""
    config = access.server_config()
    email = claims.get("email")
    is_proven = claims.get("is_logged_in") is True and claims.get("email_verified", True) in (True, "true")
    if config is None or not is_proven or not isinstance(email, str):
        return ""
    return email.casefold() if config.admits(email) else ""
