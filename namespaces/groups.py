"""The two groups of staff that come with the program: Readers see everything, Editors change places and documents.

Made at the first migration; every later one adds what is missing, and takes nothing away. API keys, organizations,
staff and what they did are for superusers to change, or for those whom one gives the permission by hand.
"""

from collections.abc import Collection
from typing import Final

from django.apps import AppConfig
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db.models import Q

READERS: Final = "Readers"
EDITORS: Final = "Editors"


def grant(app: AppConfig, using: str, *, edited: Collection[str]) -> None:
    """Give both groups their permissions of one application; `edited`: the models that Editors change."""
    create_permissions(app, verbosity=0, using=using)  # Django's own turn comes later
    own = Permission.objects.using(using).filter(content_type__app_label=app.label)
    viewing = Q(codename__startswith="view_")
    for name, wanted in ((READERS, viewing), (EDITORS, viewing | Q(content_type__model__in=edited))):
        group, _ = Group.objects.using(using).get_or_create(name=name)
        group.permissions.add(*own.filter(wanted))
