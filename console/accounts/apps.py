"""The app of accounts: a group, and the failed sign-ins that throttle the next ones."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Named `accounts` in migrations."""

    name = "console.accounts"
    label = "accounts"
