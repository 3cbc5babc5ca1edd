"""`django.contrib.admin` with the site of admin_site.py (settings.INSTALLED_APPS)."""

from django.contrib.admin.apps import AdminConfig


class StoreAdminConfig(AdminConfig):
    default_site = "mixpeek_site.admin_site.StoreAdminSite"
