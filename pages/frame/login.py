"""What people see instead of the app while they have not logged in, or are not let in."""

from __future__ import annotations

import streamlit as st

from pages.shared import markup, visitors
from state.server.access import providers


def is_needed() -> bool:
    """Whether this page must not be drawn for whoever looks at it."""
    return visitors.is_login_wanted() and not visitors.of_page()


def draw() -> None:
    """The way in, or why there is none."""
    st.title("KEC+ Studio")
    if st.user.is_logged_in:
        _say_refused()
        return
    st.write("This server asks who you are before it shows any photo.")
    for provider in providers(st.secrets.get("auth", {})) or (None,):
        name = f" with {provider}" if provider else ""
        st.button(f"Log in{name}", on_click=st.login, args=(provider,), type="primary", key=f"login{name}")


def _say_refused() -> None:
    email = str(st.user.get("email") or "no e-mail address")
    reason = (
        "which its provider has not confirmed"
        if st.user.get("email_verified") is False
        else "which is not on the list of this server"
    )
    st.error(
        f"You are logged in as {markup.plain(email)}, {reason}; ask whoever runs it, or log in as somebody else.",
        icon=":material/lock:",
    )
    st.button("Log out", on_click=st.logout, key="logout")
