"""Sign-ins that failed or are under way, kept for as long as they throttle."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.utils import timezone

# Passwords that may be tried within the window, for one name and from one address. The window bounds how long
# an attacker's wrong passwords keep the owner of a name out.
MAX_ATTEMPTS = 10
WINDOW = timedelta(minutes=15)


class SignInAttempt(models.Model):
    """One attempt to sign in with a password that has not succeeded."""

    name = models.CharField(max_length=150)
    address = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["name", "at"], name="attempt_name"),
            models.Index(fields=["address", "at"], name="attempt_address"),
        ]

    def __str__(self) -> str:
        return f"{self.name} from {self.address}"

    @classmethod
    async def begin(cls, name: str, address: str) -> "SignInAttempt | None":
        """Record an attempt before its password is checked; None when there were too many.

        It is stored first and counted then, so attempts at the same time cannot pass together.
        """
        since: datetime = timezone.now() - WINDOW
        await cls.objects.filter(at__lt=since).adelete()
        attempt = await cls.objects.acreate(name=name[:150], address=address[:64], at=timezone.now())
        for same in ({"name": attempt.name}, {"address": attempt.address}):
            if await cls.objects.filter(at__gte=since, **same).acount() > MAX_ATTEMPTS:
                await attempt.adelete()
                return None
        return attempt

    async def succeed(self) -> None:
        """Forget the failed attempts for this name from this address."""
        await SignInAttempt.objects.filter(name=self.name, address=self.address).adelete()
